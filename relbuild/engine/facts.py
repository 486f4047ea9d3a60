"""The engine's answers as values; https://docs.docker.com/reference/api/engine/ has their shapes."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The engine itself: `name` is its machine's, `memory` in bytes, `time` its clock's, in seconds since 1970.

    `root` is the directory where it keeps all.
    """

    name: str
    version: str
    architecture: str
    containerd: bool
    cpus: int
    memory: int
    time: float
    root: str

    @classmethod
    def of(cls, version: Mapping[str, Any], info: Mapping[str, Any]) -> Self:
        """Return what the answers of ``/version`` and ``/info`` say."""
        return cls(
            name=str(info.get("Name") or ""),
            version=str(version["Version"]),
            architecture=str(version.get("Arch") or ""),
            containerd=any(
                str(each).startswith("io.containerd.snapshotter") for _, each in info.get("DriverStatus") or ()
            ),
            cpus=int(info.get("NCPU") or 0),
            memory=int(info.get("MemTotal") or 0),
            time=_seconds(info.get("SystemTime") or ""),
            root=str(info.get("DockerRootDir") or ""),
        )


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image as the engine has it; ``layers`` are named by the digests of their content, from the lowest up."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    labels: Mapping[str, str]
    size: int
    command: tuple[str, ...] = ()
    directory: str = ""
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    architecture: str = ""
    variant: str = ""
    tagged: float = 0.0
    """When it was last given a name, in seconds since the epoch; 0 where the engine doesn't say."""
    layers: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    user: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return what an answer of ``/images/NAME/json`` says."""
        config = answer.get("Config") or {}
        return cls(
            id=answer["Id"],
            tags=tuple(answer.get("RepoTags") or ()),
            digests=tuple(answer.get("RepoDigests") or ()),
            labels=dict(config.get("Labels") or {}),
            size=int(answer.get("Size") or 0),
            command=_command(config),
            directory=config.get("WorkingDir") or "",
            ports=tuple(sorted(config.get("ExposedPorts") or {})),
            env=_env(config),
            architecture=answer.get("Architecture") or "",
            variant=answer.get("Variant") or "",
            tagged=_seconds((answer.get("Metadata") or {}).get("LastTagTime") or ""),
            layers=tuple((answer.get("RootFS") or {}).get("Layers") or ()),
            stop_signal=_signal(config.get("StopSignal") or "SIGTERM"),
            user=config.get("User") or "",
        )

    @property
    def platform(self) -> str:
        """The platform it runs on, as docker's options name it."""
        return "/".join(filter(None, ("linux", self.architecture, self.variant)))

    def digest_of(self, repository: str) -> str | None:
        """Return the manifest's digest in a repository, where the engine knows one."""
        for reference in self.digests:
            name, _, digest = reference.partition("@")
            if name == repository or name.removeprefix("docker.io/").removeprefix("library/") == repository:
                return digest
        return None


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """A container as the engine has it; its labels include its image's, ``env`` what the image and the start gave."""

    id: str
    status: str
    labels: Mapping[str, str]
    image: str = ""
    exit_code: int = 0
    env: Mapping[str, str] | None = None
    command: tuple[str, ...] = ()
    directory: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return what an answer of ``/containers/NAME/json`` says."""
        config, state = answer["Config"], answer["State"]
        return cls(
            id=answer["Id"],
            status=str(state["Status"]),
            labels=dict(config.get("Labels") or {}),
            image=config.get("Image") or "",
            exit_code=int(state.get("ExitCode") or 0),
            env=_env(config),
            command=_command(config),
            directory=config.get("WorkingDir") or "",
        )

    @property
    def running(self) -> bool:
        """Whether a command can be run in it."""
        return self.status == "running"


@dataclass(frozen=True, slots=True)
class Listed:
    """A container in a list; ``status`` is in the engine's words for people, ``created`` in seconds since the epoch."""

    id: str
    name: str
    image: str
    state: str
    status: str
    created: int
    labels: Mapping[str, str]
    ports: tuple[str, ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return what an entry of ``/containers/json`` says."""
        return cls(
            id=answer["Id"],
            name=(answer.get("Names") or ["/"])[0].lstrip("/"),
            image=answer.get("Image") or "",
            state=answer.get("State") or "",
            status=answer.get("Status") or "",
            created=int(answer.get("Created") or 0),
            labels=dict(answer.get("Labels") or {}),
            ports=tuple(sorted({_port(port) for port in answer.get("Ports") or ()})),
        )


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image in a list; ``created`` in seconds since the epoch."""

    id: str
    tags: tuple[str, ...]
    created: int
    labels: Mapping[str, str]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return what an entry of ``/images/json`` says."""
        tags = tuple(tag for tag in answer.get("RepoTags") or () if tag != "<none>:<none>")
        return cls(answer["Id"], tags, int(answer.get("Created") or 0), dict(answer.get("Labels") or {}))


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A Swarm service; its labels are its own and those of its containers."""

    id: str
    name: str
    image: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return what an answer of ``/services/NAME`` says."""
        spec = answer["Spec"]
        container = spec["TaskTemplate"].get("ContainerSpec") or {}
        labels = {**(container.get("Labels") or {}), **(spec.get("Labels") or {})}
        return cls(answer["ID"], spec["Name"], (container.get("Image") or "").partition("@")[0], labels)


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task of a Swarm service: the container it is, once it runs, and on which node."""

    id: str
    slot: int
    state: str
    node: str
    container: str
    error: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return what an entry of ``/tasks`` says."""
        status = answer.get("Status") or {}
        return cls(
            id=answer["ID"],
            slot=int(answer.get("Slot") or 0),
            state=status.get("State") or "",
            node=answer.get("NodeID") or "",
            container=(status.get("ContainerStatus") or {}).get("ContainerID") or "",
            error=status.get("Err") or "",
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a name stands for in its registry: a digest, of an index where it has several platforms, and these."""

    digest: str
    platforms: tuple[str, ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return the value of an answer of ``/distribution/NAME/json``."""
        platforms = {_platform(each) for each in answer.get("Platforms") or ()}
        return cls(answer["Descriptor"]["digest"], tuple(sorted(each for each in platforms if each)))


def _platform(described: Mapping[str, Any]) -> str | None:
    """Return ``os/architecture[/variant]``; None for what is no image, such as an attestation."""
    system, architecture, variant = (described.get(key) for key in ("os", "architecture", "variant"))
    if not system or not architecture or "unknown" in (system, architecture):
        return None
    # arm64 alone means v8, and most images leave it out.
    if (architecture, variant) == ("arm64", "v8"):
        variant = None
    return "/".join(str(part) for part in (system, architecture, variant) if part)


def _command(config: Mapping[str, Any]) -> tuple[str, ...]:
    return (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))


def _signal(said: str) -> str:
    """Return a signal by its name: Docker takes a number as well, and a name without SIG."""
    if not said.isdigit():
        name = said.upper()
        return name if name.startswith("SIG") else f"SIG{name}"
    try:
        return signal.Signals(int(said)).name
    except ValueError:
        return f"signal {said}"


def _env(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, _, value in (each.partition("=") for each in config.get("Env") or ())}


def _port(port: Mapping[str, Any]) -> str:
    inside = f"{port['PrivatePort']}/{port.get('Type', 'tcp')}"
    if "PublicPort" not in port:
        return inside
    address = port.get("IP") or ""
    return f"{f'[{address}]' if ':' in address else address}:{port['PublicPort']}->{inside}"


def _seconds(time: str) -> float:
    if not time or time.startswith("0001-"):  # Go's zero
        return 0.0
    from datetime import datetime

    return datetime.fromisoformat(time).timestamp()
