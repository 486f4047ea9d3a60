"""The logins that docker has for registries: in its configuration, or with a credential helper."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from relbuild.engine.runner import Handling, Subprocesses
from relbuild.errors import CommandFailed, EngineError, Mark
from relbuild.image.reference import DOCKER_HUB

# Under which docker keeps the login for Docker Hub.
_HUB = "https://index.docker.io/v1/"
# Seconds; a helper may ask its store over the network.
_PATIENCE = 30.0


def basic(registry: str) -> str | None:
    """Return the value of an Authorization header, None where docker has no login for the registry.

    https://docs.docker.com/reference/cli/docker/login/#credential-stores. Raises CommandFailed when docker's
    configuration can't be read or its helper fails.
    """
    configured = configuration()
    names = (_HUB, "index.docker.io", "docker.io") if registry == DOCKER_HUB else (registry, f"https://{registry}")
    helpers = configured.get("credHelpers") or {}
    for name in names:
        helper = helpers.get(name) or configured.get("credsStore")
        pair = _from_helper(helper, name) if helper else None
        pair = pair or _from_file((configured.get("auths") or {}).get(name) or {})
        if pair:
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return None


def configuration() -> dict[str, Any]:
    """Return docker's configuration, nothing where there is none; raise CommandFailed where it can't be read."""
    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandFailed(
            f"can't read docker's configuration: {error}", at=Mark(str(path), 1), hint="docker itself can't either"
        ) from error
    return content if isinstance(content, dict) else {}


def _from_file(entry: dict[str, str]) -> str | None:
    if entry.get("username"):
        return f"{entry['username']}:{entry.get('password', '')}"
    try:
        return base64.b64decode(entry.get("auth") or "").decode() or None
    except ValueError:
        return None


def _from_helper(helper: str, name: str) -> str | None:
    """Return ``user:secret`` as the helper gives it; None when it has none, and for a token that is no password."""
    program = f"docker-credential-{helper}"
    try:
        outcome = Subprocesses().captured(
            (program, "get"), handling=Handling(stdin=False, feed=name.encode(), timeout=_PATIENCE)
        )
    except EngineError as error:
        raise CommandFailed(
            f"{program} isn't on the PATH; docker's configuration names it for {name}",
            hint="install it, or take it out of docker's config.json",
        ) from error
    # It ends with 1 and "credentials not found" where it has none.
    if outcome.exit_code:
        return None
    try:
        answer = json.loads(outcome.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise CommandFailed(f"{program} answers with what is no login") from error
    return None if user == "<token>" else f"{user}:{secret}"
