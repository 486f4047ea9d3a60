"""What the Docker Engine knows; nothing here changes anything."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Literal

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.engine.api import Api, ApiError
from relbuild.engine.facts import ContainerFacts, EngineFacts, ImageFacts, Listed, ListedImage, ServiceFacts, TaskFacts
from relbuild.errors import CommandFailed, EngineError, PassingFault
from relbuild.image import reference

__all__ = ["ContainerFacts", "DryEngine", "Engine", "ImageFacts", "Listed", "ListedImage", "ServiceFacts", "TaskFacts"]

# The first Docker Engine whose own BuildKit knows all the Dockerfile uses (COPY --link, heredocs, cache mounts).
MINIMUM_VERSION = (23, 0)
# What ssh and the network say of a fault that may be over in a moment.
PASSING = re.compile(r"timed? ?out|connection reset|temporary failure|temporarily unavailable|broken pipe", re.I)


class Engine:
    """A Docker Engine's reads; the connection is made when the first one is asked for."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._api = Api(endpoint)

    def close(self) -> None:
        """End the connection; the next read makes another."""
        self._api.close()

    def image(self, name: str) -> ImageFacts | None:
        """Return what the engine has under this name or id, or None; raise UsageError for what can be neither."""
        reference.require(name)
        facts = self._find(f"the image {name}", f"/images/{name}/json")
        return None if facts is None else ImageFacts.of(facts)

    def images(self, repository: str | None = None) -> tuple[ListedImage, ...]:
        """Return the images that have a tag in a repository, or all images."""
        filters = {"reference": [repository]} if repository is not None else {}
        found = self._get("list images", "/images/json", filters=filters)
        return tuple(ListedImage.of(each) for each in found)

    def container(self, name: str) -> ContainerFacts:
        """Return a container's facts; raise CommandFailed when there is none of this name or id."""
        facts = self._find(f"the container {name}", f"/containers/{name}/json")
        if facts is None:
            raise CommandFailed(
                f"there is no container {name} at {self._endpoint}", hint="docker ps shows those that run"
            )
        return ContainerFacts.of(facts)

    def containers(self, *labels: str, stopped: bool = False) -> tuple[Listed, ...]:
        """Return the containers that have all of the labels (``KEY`` or ``KEY=VALUE``), the newest first."""
        found = self._get("list containers", "/containers/json", all=stopped, filters={"label": list(labels)})
        return tuple(Listed.of(each) for each in found)

    def service(self, name: str) -> ServiceFacts:
        """Return a Swarm service's facts; raise CommandFailed when there is none of this name or id."""
        facts = self._find(f"the service {name}", f"/services/{name}")
        if facts is None:
            raise CommandFailed(
                f"there is no service {name} at {self._endpoint}", hint="docker service ls shows those there are"
            )
        return ServiceFacts.of(facts)

    def services(self) -> tuple[ServiceFacts, ...]:
        """Return all Swarm services."""
        return tuple(ServiceFacts.of(each) for each in self._get("list services", "/services"))

    def tasks(self, service: str) -> tuple[TaskFacts, ...]:
        """Return the tasks of a service that should be running, by their slots."""
        filters = {"service": [service], "desired-state": ["running"]}
        tasks = [TaskFacts.of(each) for each in self._get("list tasks", "/tasks", filters=filters)]
        return tuple(sorted(tasks, key=lambda task: (task.slot, task.id)))

    def node_name(self, node: str) -> str:
        """Return the host name of a node of the swarm."""
        return str(self._get(f"inspect the node {node}", f"/nodes/{node}")["Description"]["Hostname"])

    def own_node(self) -> str:
        """Return the id that this engine has in its swarm; empty when it is in none."""
        return str((self._get("ask the engine about itself", "/info").get("Swarm") or {}).get("NodeID") or "")

    def archive(self, container: str, path: str) -> bytes | None:
        """Return a directory or a file of a container as a tar; None where there is no such path."""
        try:
            return self._get_bytes(f"read {path} of the container", f"/containers/{container}/archive", path=path)
        except _NotThere:
            return None

    def volumes(self, *labels: str) -> list[Any]:
        """Return the volumes that have all of the labels (``KEY`` or ``KEY=VALUE``), as the engine describes them."""
        return list(self._get("list volumes", "/volumes", filters={"label": list(labels)}).get("Volumes") or ())

    def configs(self, *labels: str) -> list[Any]:
        """Return the Swarm configs that have all of the labels, as the engine describes them."""
        return list(self._get("list configs", "/configs", filters={"label": list(labels)}))

    def secrets(self, *labels: str) -> list[Any]:
        """Return the Swarm secrets that have all of the labels, as the engine describes them: never their values."""
        return list(self._get("list secrets", "/secrets", filters={"label": list(labels)}))

    def labelled_services(self, *labels: str) -> list[Any]:
        """Return the Swarm services that have all of the labels, as the engine describes them."""
        return list(self._get("list services", "/services", filters={"label": list(labels)}))

    def all_tasks(self, service: str) -> list[Any]:
        """Return all tasks of a service that the engine remembers, ended ones too, as the engine describes them."""
        return list(self._get(f"list the tasks of {service}", "/tasks", filters={"service": [service]}))

    def swarm(self) -> Any:
        """Return what the engine says of its place in a swarm: ``LocalNodeState``, ``ControlAvailable``, ``Nodes``."""
        return self._get("ask the engine about itself", "/info").get("Swarm") or {}

    def inspected(self, kind: Literal["container", "image", "service", "volume", "network"], name: str) -> Any:
        """Return all the engine says of a thing; None when there is none of this name or id."""
        path = f"/{kind}s/{name}" if kind in ("service", "volume", "network") else f"/{kind}s/{name}/json"
        return self._find(f"the {kind} {name}", path)

    def time(self) -> str:
        """Return the engine's own time, as it writes times."""
        return str(self._get("ask the engine about itself", "/info")["SystemTime"])

    def newest_task(self, service: str) -> Any:
        """Return all the engine says of a service's newest task; None when it has none, or there is no such service."""
        try:
            tasks = self._get(f"list the tasks of {service}", "/tasks", filters={"service": [service]})
        except _NotThere:
            return None
        return max(tasks, key=lambda task: str(task["CreatedAt"]), default=None)

    def service_log(self, service: str) -> bytes:
        """Return all that a service's tasks have written, as the engine sends it; nothing where there is none."""
        try:
            return self._get_bytes(f"read the log of {service}", f"/services/{service}/logs", stdout=1, stderr=1)
        except _NotThere:
            return b""

    @contextmanager
    def saved(self, image: str) -> Iterator[IO[bytes]]:
        """Give an image's layers and configuration to read, in the form of ``docker save``."""
        with self._talking(f"can't read the image {image}"), self._api.stream(f"/images/{image}/get") as stream:
            yield stream

    def rewrites_times(self) -> bool:
        """Tell whether a build can set the times of an image's files: only containerd's image store exports so."""
        return self.about().containerd

    def require_builds(self) -> None:
        """Raise EngineError when no engine answers or it can't build what relbuild writes."""
        version = str(self._get("ask for the engine's version", "/version")["Version"])
        if _numbers(version) < MINIMUM_VERSION:
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise EngineError(
                f"Docker Engine {version} at {self._endpoint} is too old: its BuildKit can't build the Dockerfile",
                hint=f"install Docker Engine {wanted} or newer",
            )

    def about(self) -> EngineFacts:
        """Return what the engine says of itself."""
        version = self._get("ask for the engine's version", "/version")
        return EngineFacts.of(version, self._get("ask the engine about itself", "/info"))

    def architecture(self) -> str:
        """Return the engine's own architecture, as Docker names it."""
        return str(self._get("ask for the engine's version", "/version").get("Arch") or "")

    def require_indexes(self, platforms: tuple[str, ...]) -> None:
        """Raise EngineError when the engine's store can't hold an image of several platforms."""
        if not self.about().containerd:
            raise EngineError(
                f"the image store of {self._endpoint} holds no image for several platforms ({', '.join(platforms)})",
                hint="turn the containerd image store on (docs.docker.com/engine/storage/containerd), or build "
                f"each, --platform {platforms[0]} -t :TAG --push, and join them: docker buildx imagetools create",
            )

    def built(self, reference: str) -> ImageFacts:
        """Return what the engine has just built or pulled under this name; raise EngineError when it isn't there."""
        facts = self.image(reference)
        if facts is None:
            raise EngineError(
                f"{self._endpoint} has no image {reference}", hint="was it removed meanwhile? build it again"
            )
        return facts

    def _find(self, what: str, path: str) -> Any:
        """Return the JSON at a path, or None when the engine says there is no such thing."""
        try:
            return self._get(f"inspect {what}", path)
        except _NotThere:
            return None

    def _get(self, what: str, path: str, /, **query: object) -> Any:
        with self._talking(f"can't {what}"):
            return self._api.get(path, **query)

    def _get_bytes(self, what: str, path: str, /, **query: object) -> bytes:
        with self._talking(f"can't {what}"):
            return self._api.get_bytes(path, **query)

    @contextmanager
    def _talking(self, failure: str) -> Iterator[None]:
        """Turn what the connection raises into EngineError, or PassingFault where another try may do."""
        try:
            yield
        except ApiError as error:
            if error.status == 404:
                hint = f"{self._endpoint} answers as no Docker Engine does"
                raise _NotThere(f"{failure}: {error}", hint=hint) from error
            raise EngineError(f"{failure}: {error}", hint=f"{self._endpoint} refused it") from error
        except (OSError, ValueError) as error:
            reason = _reason(error)
            passing = isinstance(error, TimeoutError) or PASSING.search(reason)
            kind = PassingFault if passing else EngineError
            raise kind(
                f"{failure}: no Docker Engine answers at {self._place}: {reason}", hint=self._hint(reason)
            ) from error

    @property
    def _place(self) -> str:
        """Where the engine is, said as whoever calls relbuild said it."""
        if self._endpoint == DEFAULT:
            # In the order in which the docker client looks for it.
            for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
                if os.environ.get(name):
                    return f"{name}={os.environ[name]}"
        return str(self._endpoint)

    def _hint(self, reason: str) -> str:
        return unreachable(self._endpoint, reason, client=shutil.which("docker") is not None)


def unreachable(endpoint: Endpoint, reason: str, *, client: bool) -> str:
    """Return what to do about an engine that can't be reached for a reason; ``client`` is whether docker is installed.

    The reasons are those of the system, of ssh and of the docker client.
    """
    words = reason.lower()
    command = " ".join(endpoint.docker)
    if "permission denied" in words and not endpoint.is_ssh and "publickey" not in words:
        return (
            "this user may not use the engine's socket: join its group (sudo usermod -aG docker $USER, then log in "
            "again), or use a rootless engine (docker context use rootless)"
        )
    if endpoint.is_ssh or "ssh" in words:
        return (
            f"try it by hand: {command} version; ssh must get in without a question: its key in the ssh agent or "
            "named in ~/.ssh/config, the host in ~/.ssh/known_hosts; and docker must be on the PATH there"
        )
    if "context" in words and "not found" in words:
        return "docker context ls lists the contexts"
    if any(each in words for each in ("no such host", "name or service not known", "name resolution", "nodename")):
        return "the host's name is not known: check it in --host, DOCKER_HOST or the context"
    if any(each in words for each in ("x509", "tls", "certificate", "https")):
        return "the engine speaks TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context with certificates"
    if not client:
        return "install Docker Engine 23 or newer: https://docs.docker.com/engine/install/"
    if "no such file" in words:
        return (
            "no engine has made this socket: start Docker (sudo systemctl start docker, or Docker Desktop), "
            "or name another engine with --host or --context"
        )
    if "refused" in words:
        return "nothing listens there: start the engine, or name another with --host or --context"
    return "start it, or name another with --host or --context"


class _NotThere(EngineError):
    """The engine answers, and has no such thing."""


class DryEngine(Engine):
    """The engine of a dry run: it still answers what it is asked, but nothing needs to have been built."""

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


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    said = (str(error).splitlines() or [type(error).__name__])[0]
    # The docker client wraps what ssh said in how it called it.
    return said.rpartition("stderr=")[2].strip() or said
