"""Reads of the Docker Engine, by the Docker SDK; nothing here changes anything."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Literal

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.engine.connection import Connection, find_socket, inactive_group, is_passing, refusal_of, unreachable
from relbuild.engine.facts import (
    ContainerFacts,
    EngineFacts,
    ImageFacts,
    Listed,
    ListedImage,
    Manifest,
    ServiceFacts,
    TaskFacts,
)
from relbuild.errors import CommandFailed, EngineError, PassingFault
from relbuild.image import reference
from relbuild.image.reference import Reference

__all__ = ["ContainerFacts", "DryEngine", "Engine", "ImageFacts", "Listed", "ListedImage", "ServiceFacts", "TaskFacts"]

# The first Docker Engine whose own BuildKit knows all the Dockerfile uses (COPY --link, heredocs, cache mounts).
MINIMUM_VERSION = (23, 0)
# Bytes of an image that are read at once.
CHUNK = 1 << 20


class Engine:
    """A Docker Engine's reads, by the Docker SDK; the first one opens the connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection = Connection(endpoint)

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        self._connection.close()

    # Images.

    def image(self, name: str) -> ImageFacts | None:
        """Return an image's facts by its name or id, or None; raise UsageError for what can be neither."""
        reference.require(name)
        facts = self._find(f"inspect the image {name}", lambda client: client.inspect_image(name))
        return None if facts is None else ImageFacts.of(facts)

    def images(self, repository: str | None = None) -> tuple[ListedImage, ...]:
        """Return the images that have a tag in a repository, or all images."""
        found = self._read("list images", lambda client: client.images(name=repository))
        return tuple(ListedImage.of(each) for each in found)

    def built(self, reference: str) -> ImageFacts:
        """Return an image that was just built or pulled; raise EngineError when it isn't there."""
        facts = self.image(reference)
        if facts is None:
            raise EngineError(
                f"{self._endpoint} has no image {reference}", hint="was it removed meanwhile? build it again"
            )
        return facts

    def manifest(self, image: Reference) -> Manifest | None:
        """Return what an image's name stands for in its registry; None when the registry has no such image.

        Raises PassingFault when the registry doesn't answer, and CommandFailed when it refuses.
        """
        try:
            with self._talking(f"look up {image}"):
                return Manifest.of(self._connection.client.inspect_distribution(str(image)))
        except _Refused as refused:
            if refused.status == 404:
                return None
            raise registry_error(image, refused.status, refused.message) from refused

    @contextmanager
    def saved(self, image: str) -> Iterator[IO[bytes]]:
        """Give an image's layers and configuration to read, in the form of ``docker save``."""
        with self._talking(f"read the image {image}"):
            chunks = self._connection.client.get_image(image, chunk_size=CHUNK)
            yield io.BufferedReader(_Stream(chunks), CHUNK)

    # Containers.

    def container(self, name: str) -> ContainerFacts:
        """Return a container's facts; raise CommandFailed when there is none of this name or id."""
        facts = self.inspected("container", name)
        if facts is None:
            raise CommandFailed(
                f"there is no container {name} at {self._endpoint}", hint="docker ps shows those that run"
            )
        return ContainerFacts.of(facts)

    def containers(self, *labels: str, stopped: bool = False) -> tuple[Listed, ...]:
        """Return the containers that have all of the labels (``KEY`` or ``KEY=VALUE``), the newest first."""
        found = self._read(
            "list containers", lambda client: client.containers(all=stopped, filters={"label": list(labels)})
        )
        return tuple(Listed.of(each) for each in found)

    def archive(self, container: str, path: str) -> bytes | None:
        """Return a directory or a file of a container as a tar; None where there is no such path."""
        found: bytes | None = self._find(
            f"read {path} of the container", lambda client: b"".join(client.get_archive(container, path)[0])
        )
        return found

    def volumes(self, *labels: str) -> list[Any]:
        """Return the volumes that have all of the labels (``KEY`` or ``KEY=VALUE``), as the engine describes them."""
        found = self._read("list volumes", lambda client: client.volumes(filters={"label": list(labels)}))
        return list(found.get("Volumes") or ())

    def inspected(self, kind: Literal["container", "image", "service", "volume", "network"], name: str) -> Any:
        """Return the engine's description of a thing; None when there is none of this name or id."""
        return self._find(f"inspect the {kind} {name}", lambda client: getattr(client, f"inspect_{kind}")(name))

    # The swarm.

    def service(self, name: str) -> ServiceFacts:
        """Return a Swarm service's facts; raise CommandFailed when there is none of this name or id."""
        facts = self.inspected("service", name)
        if facts is None:
            raise CommandFailed(
                f"there is no service {name} at {self._endpoint}", hint="docker service ls shows those there are"
            )
        return ServiceFacts.of(facts)

    def services(self) -> tuple[ServiceFacts, ...]:
        """Return all Swarm services."""
        return tuple(map(ServiceFacts.of, self.labelled_services()))

    def labelled_services(self, *labels: str) -> list[Any]:
        """Return the Swarm services that have all of the labels, as the engine describes them."""
        return list(self._read("list services", lambda client: client.services(filters={"label": list(labels)})))

    def tasks(self, service: str) -> tuple[TaskFacts, ...]:
        """Return the tasks of a service that should be running, by their slots."""
        filters = {"service": service, "desired-state": "running"}
        tasks = [TaskFacts.of(each) for each in self._read("list tasks", lambda client: client.tasks(filters))]
        return tuple(sorted(tasks, key=lambda task: (task.slot, task.id)))

    def all_tasks(self, service: str) -> list[Any]:
        """Return all tasks of a service that the engine remembers, ended ones too; none without such a service."""
        return list(self._find(f"list the tasks of {service}", lambda client: client.tasks({"service": service})) or ())

    def newest_task(self, service: str) -> Any:
        """Return the engine's description of a service's newest task; None without one or without such a service."""
        return max(self.all_tasks(service), key=lambda task: str(task["CreatedAt"]), default=None)

    def service_log(self, service: str) -> tuple[bytes, bytes]:
        """Return all that a service's tasks have written to stdout and to stderr."""
        return self._service_log(service, stdout=True), self._service_log(service, stderr=True)

    def _service_log(self, service: str, **streams: bool) -> bytes:
        found = self._find(
            f"read the log of {service}",
            lambda client: b"".join(client.service_logs(service, is_tty=False, **streams)),
        )
        return found or b""

    def configs(self, *labels: str) -> list[Any]:
        """Return the Swarm configs that have all of the labels, as the engine describes them."""
        return list(self._read("list configs", lambda client: client.configs(filters={"label": list(labels)})))

    def secrets(self, *labels: str) -> list[Any]:
        """Return the Swarm secrets that have all of the labels, as the engine describes them: never their values."""
        return list(self._read("list secrets", lambda client: client.secrets(filters={"label": list(labels)})))

    def node_name(self, node: str) -> str:
        """Return the host name of a node of the swarm."""
        found = self._read(f"inspect the node {node}", lambda client: client.inspect_node(node))
        return str(found["Description"]["Hostname"])

    def own_node(self) -> str:
        """Return the id that this engine has in its swarm; empty when it is in none."""
        return str(self.swarm().get("NodeID") or "")

    def swarm(self) -> Any:
        """Return the engine's place in a swarm: ``LocalNodeState``, ``ControlAvailable``, ``Nodes``."""
        return self._info().get("Swarm") or {}

    # The engine itself.

    def time(self) -> str:
        """Return the engine's own time, as it writes times."""
        return str(self._info()["SystemTime"])

    def about(self) -> EngineFacts:
        """Return the engine's version, machine and store."""
        return EngineFacts.of(self._version(), self._info())

    def architecture(self) -> str:
        """Return the engine's own architecture, as Docker names it."""
        return str(self._version().get("Arch") or "")

    def rewrites_times(self) -> bool:
        """Return whether a build can set the times of an image's files: only containerd's image store exports so."""
        return self.about().containerd

    def require_builds(self) -> None:
        """Raise EngineError when no engine answers or it can't build the Dockerfiles of relbuild."""
        version = str(self._version()["Version"])
        if _numbers(version) < MINIMUM_VERSION:
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise EngineError(
                f"Docker Engine {version} at {self._endpoint} is too old: its BuildKit can't build the Dockerfile",
                hint=f"install Docker Engine {wanted} or newer",
            )

    def require_indexes(self, platforms: tuple[str, ...]) -> None:
        """Raise EngineError when the engine's store can't hold an image of several platforms."""
        if not self.about().containerd:
            raise EngineError(
                f"the image store of {self._endpoint} holds no image for several platforms ({', '.join(platforms)})",
                hint="turn the containerd image store on (docs.docker.com/engine/storage/containerd), or build "
                f"each, --platform {platforms[0]} -t :TAG --push, and join them: docker buildx imagetools create",
            )

    def _version(self) -> Any:
        return self._read("read the engine's version", lambda client: client.version())

    def _info(self) -> Any:
        return self._read("read the engine's description", lambda client: client.info())

    def _find(self, what: str, read: Callable[[Any], Any]) -> Any:
        """Return what the engine answers, or None when there is no such thing."""
        try:
            with self._talking(what):
                return read(self._connection.client)
        except _Refused as refused:
            if refused.status == 404:
                return None
            raise

    def _read(self, what: str, read: Callable[[Any], Any]) -> Any:
        with self._talking(what):
            return read(self._connection.client)

    @contextmanager
    def _talking(self, what: str) -> Iterator[None]:
        """Raise EngineError for what the SDK raises, or PassingFault where another try may succeed."""
        from docker.errors import DockerException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (DockerException, HTTPError, OSError, ValueError) as error:
            if (refusal := refusal_of(error)) is not None:
                raise _Refused(f"can't {what}", *refusal, self._endpoint) from error
            reason = self._connection.reason(error)
            kind = PassingFault if is_passing(error, reason) else EngineError
            raise kind(
                f"can't {what}: no Docker Engine answers at {self._place}: {reason}",
                hint=unreachable(
                    self._endpoint,
                    reason,
                    client=shutil.which("docker") is not None,
                    joined=inactive_group(find_socket(self._endpoint)),
                ),
            ) from error

    @property
    def _place(self) -> str:
        """Where the engine is, in the words of whoever calls relbuild."""
        if self._endpoint == DEFAULT:
            # In the order in which the docker client looks for it.
            for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
                if os.environ.get(name):
                    return f"{name}={os.environ[name]}"
        return str(self._endpoint)


class _Refused(EngineError):
    """The engine answers, and refuses: ``status`` is HTTP's."""

    def __init__(self, failure: str, status: int, message: str, endpoint: Endpoint) -> None:
        hint = f"{endpoint} refused it"
        if "https server" in message.lower():
            hint = unreachable(endpoint, message, client=True)
        super().__init__(f"{failure}: {message}", hint=hint)
        self.status = status
        self.message = message


class _Stream(io.RawIOBase):
    """Chunks of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def registry_error(image: Reference, status: int, message: str) -> CommandFailed | PassingFault:
    """Return the error for a registry's refusal, which the engine passes on in its own words."""
    if status in (401, 403):
        return CommandFailed(
            f"{image.registry} refuses {image}: {message}",
            hint="is there such an image? where it is private: " + image.login,
        )
    if "error unmarshalling" in message or "error parsing HTTP" in message:
        return CommandFailed(
            f"{image.registry} answers for {image} with what is no manifest: {message}",
            hint="is it a registry? registry_mirror in relbuild.yml and the image's name say which one is used",
        )
    if "server gave HTTP response to HTTPS client" in message or "x509" in message:
        return CommandFailed(
            f"can't look up {image} at {image.registry}: {message}",
            hint=f"the engine needs TLS there: its certificate in /etc/docker/certs.d/{image.registry}, or "
            "insecure-registries in the engine's daemon.json",
        )
    if "repository name" in message or status == 400:
        return CommandFailed(f"can't look up {image} at {image.registry}: {message}")
    return PassingFault(
        f"can't look up {image} at {image.registry}: {message}",
        hint="does the engine reach the registry, by a proxy where one is needed? try again later",
    )


class DryEngine(Engine):
    """The engine of a dry run: reads are real, but nothing needs to have been built."""

    def require_builds(self) -> None:
        return

    def require_indexes(self, platforms: tuple[str, ...]) -> None:
        return

    def built(self, reference: str) -> ImageFacts:
        return ImageFacts(id="", tags=(reference,), digests=(), labels={}, size=0)


def _numbers(version: str) -> tuple[int, ...]:
    parts = []
    for part in version.split(".")[:2]:
        digits = "".join(character for character in part if character.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)
