"""Where the build's secrets come from on this machine; what is missing is told before anything is built."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from relbuild.errors import Problem, UsageError
from relbuild.image.plan.credentials import KNOWN_HOSTS, Secret
from relbuild.image.plan.stages import BuilderStages


def find(builder: BuilderStages) -> Mapping[str, str]:
    """Return each secret's source as buildx takes it: ``env=NAME`` or ``src=FILE``.

    Raises UsageError for every secret that isn't there, and where there is no ssh agent that could be lent.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for secret in builder.all_secrets:
        source = _source(secret)
        if source is None:
            problems.append(_missing(secret))
        else:
            found[secret.name] = source
    if builder.needs_ssh and not os.environ.get("SSH_AUTH_SOCK"):
        problems.append(_no_agent(builder))
    if problems:
        raise UsageError.of(problems)
    return found


def values(builder: BuilderStages) -> Mapping[str, tuple[str, ...]]:
    """Return what of each secret that is there must not be in an image: its value, what is secret of its file.

    A path is no secret, nor are the public keys of hosts.
    """
    found: dict[str, tuple[str, ...]] = {}
    for secret in builder.all_secrets:
        source = _source(secret) if secret.name != KNOWN_HOSTS else None
        if source is None:
            continue
        # Most builds have no secret.
        from relbuild.image.verify.secrets import secret_parts

        if secret.is_file:
            with suppress(OSError):
                found[secret.name] = secret_parts(Path(source.removeprefix("src=")).read_text(errors="replace"))
        else:
            # Of several logins, as in GIT_CREDENTIALS, one is enough.
            value = os.environ[secret.name]
            found[secret.name] = tuple(dict.fromkeys((value, *secret_parts(value))))
    return {name: each for name, each in found.items() if each}


def _source(secret: Secret) -> str | None:
    value = os.environ.get(secret.name)
    if value and not secret.is_file:
        return f"env={secret.name}"
    for name in (value,) if value else secret.files:
        path = Path(name).expanduser()
        if path.is_file() and os.access(path, os.R_OK):
            return f"src={path.absolute()}"
    return None


def _missing(secret: Secret) -> Problem:
    if secret.is_file and os.environ.get(secret.name):
        return Problem(
            f"the build needs the file that {secret.name} names, and can't read it ({secret.reason})",
            secret.at,
            f"{secret.name} is {os.environ[secret.name]}",
        )
    return Problem(f"the build needs {secret.name}: {secret.reason}", secret.at, secret.hint)


def _no_agent(builder: BuilderStages) -> Problem:
    lent = builder.access.ssh
    reason = builder.access.over_ssh if lent else "builder.ssh in relbuild.yml"
    at = lent[0].at if lent else None
    return Problem(f"the build needs an ssh agent: {reason}", at, "eval $(ssh-agent), then ssh-add your key")
