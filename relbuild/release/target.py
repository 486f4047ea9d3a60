"""Where a release's command runs: a place makes an argv of a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.release.command import ReleaseCommand

# No limit of open files: an engine that isn't root can't raise one, and the image caps what the VM makes of it.
HARDENING = ("--read-only", "--tmpfs", "/tmp")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container gets from outside: environment (by name: no secret stands in an argv), networks, mounts."""

    env: tuple[str, ...] = ()
    network: str | None = None
    options: tuple[str, ...] = ()

    @property
    def argv(self) -> tuple[str, ...]:
        """docker run's options for all of it."""
        argv: list[str] = []
        for name in self.env:
            argv += ["--env", name]
        if self.network is not None:
            argv += ["--network", self.network]
        return (*argv, *self.options)


NOTHING = Surroundings()


@dataclass(frozen=True, slots=True)
class Image:
    """A one-off container of an image: read-only, with a /tmp of its own, gone when the command ends."""

    reference: str
    surroundings: Surroundings = NOTHING
    interactive: bool = True
    terminal: bool = False
    endpoint: Endpoint = DEFAULT

    def argv(self, command: ReleaseCommand) -> tuple[str, ...]:
        """Return the docker argv that runs the command here."""
        flags = ("--interactive",) * self.interactive + ("--tty",) * self.terminal
        return (
            *self.endpoint.docker,
            "run",
            "--rm",
            *flags,
            *HARDENING,
            *self.surroundings.argv,
            "--entrypoint",
            command.program,
            self.reference,
            command.verb,
            *command.args,
        )


@dataclass(frozen=True, slots=True)
class Container:
    """A running container."""

    name: str
    interactive: bool = True
    terminal: bool = False
    endpoint: Endpoint = DEFAULT

    def argv(self, command: ReleaseCommand) -> tuple[str, ...]:
        """Return the docker argv that runs the command here."""
        flags = ("--interactive",) * self.interactive + ("--tty",) * self.terminal
        return (*self.endpoint.docker, "exec", *flags, self.name, *command.argv)


@dataclass(frozen=True, slots=True)
class NewContainer:
    """A container that boots the release and goes on running: what ``relbuild run`` starts."""

    reference: str
    name: str | None = None
    publish: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings = NOTHING
    detach: bool = False
    terminal: bool = False
    stop_timeout: int = 30
    endpoint: Endpoint = DEFAULT

    def argv(self) -> tuple[str, ...]:
        """Return the docker argv that starts it; ``stop_timeout`` is in seconds."""
        argv: list[str] = [*self.endpoint.docker, "run"]
        if self.detach:
            argv += ["--detach"]
        else:
            argv += ["--rm", "--interactive"]
            if self.terminal:
                argv += ["--tty"]
        if self.name is not None:
            argv += ["--name", self.name]
        argv += ["--init", "--stop-timeout", str(self.stop_timeout), *HARDENING]
        for port in self.publish:
            argv += ["--publish", port]
        for key, value in self.labels.items():
            argv += ["--label", f"{key}={value}"]
        return (*argv, *self.surroundings.argv, self.reference)
