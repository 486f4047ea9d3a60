"""What a registry has: the digest of a name, and the platforms behind it (the OCI Distribution Specification)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from relbuild.engine import logins, web
from relbuild.engine.web import Answer
from relbuild.errors import CommandFailed, PassingFault
from relbuild.image.reference import DOCKER_HUB, Reference

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# A registry on this machine, which is asked without TLS.
LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]+){3}|\[::1\])(?::[0-9]+)?")
_CHALLENGE = re.compile(r'([a-z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a name stands for now: a digest, of an index where it has several platforms; none where it tells none."""

    digest: str
    platforms: tuple[str, ...]


class Registries:
    """Reads from registries, with the logins that docker has; a token is asked for once."""

    def __init__(self) -> None:
        self._authorizations: dict[tuple[str, str], str] = {}

    def manifest(self, image: Reference) -> Manifest | None:
        """Return what the name stands for, None when the registry has no such image.

        Raises PassingFault when the registry doesn't answer, and CommandFailed when it refuses.
        """
        version = image.digest or image.tag
        answer = self._get(image, f"manifests/{version}", accept=(*_INDEXES, *_MANIFESTS))
        if answer.status == 404:
            return None
        content = _json(answer, image)
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if image.digest is not None and image.digest != digest:
            raise CommandFailed(f"{image.registry} gives another image for {image}: {digest}")
        if "manifests" in content:
            found = [_platform(each.get("platform") or {}) for each in content["manifests"]]
            return Manifest(digest, tuple(sorted({platform for platform in found if platform})))
        return Manifest(digest, self._of_config(image, content))

    def _of_config(self, image: Reference, manifest: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the one platform of an image without an index, which its configuration has."""
        config = (manifest.get("config") or {}).get("digest")
        if not isinstance(config, str):
            return ()
        platform = _platform(_json(self._get(image, f"blobs/{config}"), image))
        return (platform,) if platform else ()

    def _get(self, image: Reference, path: str, *, accept: tuple[str, ...] = ()) -> Answer:
        url = f"{_address(image.registry)}/v2/{image.repository}/{path}"
        headers = {"Accept": ", ".join(accept)} if accept else {}
        key = (image.registry, image.repository)
        answer = web.get(url, headers, self._authorizations.get(key))
        if answer.status == 401 and key not in self._authorizations:
            authorization = _authorize(image, answer.headers.get("www-authenticate", ""))
            if authorization:
                self._authorizations[key] = authorization
                answer = web.get(url, headers, authorization)
        if answer.status in (401, 403):
            raise CommandFailed(
                f"{image.registry} refuses {image}: {answer.status}",
                hint="is there such an image? where it is private: " + image.login,
            )
        return _or_later(answer, image)


def _or_later(answer: Answer, image: Reference) -> Answer:
    if answer.status == 429 or answer.status >= 500:
        why = "too many requests for now" if answer.status == 429 else f"it answers {answer.status}"
        raise PassingFault(f"can't look up {image} at {image.registry}: {why}", hint="try again later")
    return answer


def _json(answer: Answer, image: Reference) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    if answer.status != 200 or not isinstance(content, dict):
        raise CommandFailed(
            f"{image.registry} answers for {image} with what is no manifest ({answer.status})",
            hint="is it a registry? registry_mirror in relbuild.yml and the image's name say which one is asked",
        )
    return content


def _authorize(image: Reference, challenge: str) -> str | None:
    """Return the Authorization for a registry's challenge; None when it asks for what docker has no login for.

    https://distribution.github.io/distribution/spec/auth/token/
    """
    scheme, _, rest = challenge.partition(" ")
    login = logins.basic(image.registry)
    if scheme.lower() == "basic":
        return login
    asked = dict(_CHALLENGE.findall(rest))
    realm = asked.get("realm", "")
    where = urlsplit(realm)
    if scheme.lower() != "bearer" or not (where.scheme == "https" or LOOPBACK.fullmatch(where.netloc)):
        return None
    query = {"service": asked.get("service", ""), "scope": f"repository:{image.repository}:pull"}
    answer = _or_later(web.get(f"{realm}?{urlencode(query)}", {}, login), image)
    if answer.status in (401, 403):
        raise CommandFailed(
            f"{image.registry} refuses the login that docker has for it",
            hint="log in again: " + image.login,
        )
    token = _json(answer, image)
    return f"Bearer {token.get('token') or token.get('access_token') or ''}"


def _address(registry: str) -> str:
    """Return a registry's URL; like docker, plain HTTP is only spoken on the loopback address."""
    host = "registry-1.docker.io" if registry == DOCKER_HUB else registry
    return f"{'http' if LOOPBACK.fullmatch(registry) else 'https'}://{host}"


def _platform(said: Mapping[str, Any]) -> str | None:
    """Return ``os/architecture[/variant]``; None for what is no image, such as an attestation."""
    system, architecture, variant = (said.get(key) for key in ("os", "architecture", "variant"))
    if not system or not architecture or "unknown" in (system, architecture):
        return None
    # v8 is what arm64 means by itself, and most images leave it out.
    if (architecture, variant) == ("arm64", "v8"):
        variant = None
    return "/".join(str(part) for part in (system, architecture, variant) if part)
