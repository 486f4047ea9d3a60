"""What the Docker Engine knows, read through its SDK; nothing here changes anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relbuild.endpoint import Endpoint
from relbuild.errors import CommandFailed, EngineError

if TYPE_CHECKING:
    import docker

# The first Docker Engine whose own BuildKit knows all the Dockerfile uses (COPY --link, heredocs, cache mounts).
MINIMUM_VERSION = (23, 0)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image as the engine has it."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    labels: Mapping[str, str]
    size: int

    def digest_of(self, repository: str) -> str | None:
        """Return the manifest's digest in a repository, where the engine knows one."""
        for reference in self.digests:
            name, _, digest = reference.partition("@")
            if name == repository or name.removeprefix("docker.io/").removeprefix("library/") == repository:
                return digest
        return None


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """A container as the engine has it; its labels include its image's."""

    id: str
    status: str
    labels: Mapping[str, str]

    @property
    def running(self) -> bool:
        """Whether a command can be run in it."""
        return self.status == "running"


class Engine:
    """A Docker Engine's reads; the connection is made when the first one is asked for."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connected: docker.DockerClient | None = None

    def image(self, reference: str) -> ImageFacts | None:
        """Return what the engine has under this name or id, or None."""
        from docker.errors import ImageNotFound

        with self._talking(f"can't inspect the image {reference}"):
            try:
                facts: dict[str, Any] = self._client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return None
        return ImageFacts(
            id=facts["Id"],
            tags=tuple(facts.get("RepoTags") or ()),
            digests=tuple(facts.get("RepoDigests") or ()),
            labels=dict((facts.get("Config") or {}).get("Labels") or {}),
            size=int(facts.get("Size") or 0),
        )

    def container(self, name: str) -> ContainerFacts:
        """Return a container's facts; raise CommandFailed when there is none of this name or id."""
        from docker.errors import NotFound

        with self._talking(f"can't inspect the container {name}"):
            try:
                facts: dict[str, Any] = self._client.api.inspect_container(name)
            except NotFound as error:
                raise CommandFailed(
                    f"there is no container {name} at {self._endpoint}", hint="docker ps shows those that run"
                ) from error
        labels = dict(facts["Config"].get("Labels") or {})
        return ContainerFacts(id=facts["Id"], status=str(facts["State"]["Status"]), labels=labels)

    def require_builds(self) -> None:
        """Raise EngineError when no engine answers or it can't build what relbuild writes."""
        with self._talking("can't ask for the engine's version"):
            version = str(self._client.version()["Version"])
        if _numbers(version) < MINIMUM_VERSION:
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise EngineError(
                f"Docker Engine {version} at {self._endpoint} is too old: its BuildKit can't build the Dockerfile",
                hint=f"install Docker Engine {wanted} or newer",
            )

    def built(self, reference: str) -> ImageFacts:
        """Return what the engine has just built or pulled under this name; raise EngineError when it isn't there."""
        facts = self.image(reference)
        if facts is None:
            raise EngineError(
                f"{self._endpoint} has no image {reference}", hint="was it removed meanwhile? build it again"
            )
        return facts

    @property
    def _client(self) -> docker.DockerClient:
        if self._connected is None:
            self._connected = _connect(self._endpoint)
        return self._connected

    @contextmanager
    def _talking(self, failure: str) -> Iterator[None]:
        """Turn what the SDK raises into EngineError."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (DockerException, RequestException, OSError) as error:
            raise EngineError(
                f"{failure}: no Docker Engine answers at {self._endpoint}: {_first_line(error)}", hint=_hint()
            ) from error


class DryEngine(Engine):
    """The engine of a dry run: it still answers what it is asked, but nothing needs to have been built."""

    def container(self, name: str) -> ContainerFacts:
        """Return a container's facts; raise CommandFailed when there is none of this name or id."""
        from docker.errors import NotFound

        with self._talking(f"can't inspect the container {name}"):
            try:
                facts: dict[str, Any] = self._client.api.inspect_container(name)
            except NotFound as error:
                raise CommandFailed(
                    f"there is no container {name} at {self._endpoint}", hint="docker ps shows those that run"
                ) from error
        labels = dict(facts["Config"].get("Labels") or {})
        return ContainerFacts(id=facts["Id"], status=str(facts["State"]["Status"]), labels=labels)

    def require_builds(self) -> None:
        return

    def built(self, reference: str) -> ImageFacts:
        return ImageFacts(id="", tags=(reference,), digests=(), labels={}, size=0)


def _connect(endpoint: Endpoint) -> docker.DockerClient:
    import docker

    if endpoint.host is not None:
        return docker.DockerClient(base_url=endpoint.host)
    name = endpoint.context or os.environ.get("DOCKER_CONTEXT")
    if endpoint.context is None and os.environ.get("DOCKER_HOST"):
        return docker.from_env()
    context = docker.ContextAPI.get_context(name) if name else docker.ContextAPI.get_current_context()
    if context is None:
        raise EngineError(f"there is no Docker context {name!r}", hint="docker context ls shows those there are")
    return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig or False)


def _numbers(version: str) -> tuple[int, ...]:
    parts = []
    for part in version.split(".")[:2]:
        digits = "".join(character for character in part if character.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _hint() -> str:
    if shutil.which("docker") is None:
        return "install Docker Engine 23 or newer: https://docs.docker.com/engine/install/"
    return "start it, or name another with --host or --context"
