"""A one-off container or Swarm job under a fixed name: while it runs nobody can make another, so it is its own lock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from relbuild.endpoint import DEFAULT, Endpoint

# Of a Swarm service's name; a container's may be longer.
MAX_NAME = 63


@dataclass(frozen=True, slots=True)
class OneOff:
    """A container of one command: ``argv`` is its program with the arguments, ``env`` are variables by their names.

    It is made before it is started, so that it can join further ``networks`` and is known by its id.
    """

    name: str
    image: str
    argv: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    container_labels: Mapping[str, str] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    endpoint: Endpoint = DEFAULT

    def create(self) -> tuple[str, ...]:
        """Return the argv that makes it and prints its id; it fails where there is one of this name."""
        return (*self.endpoint.docker, "create", *_shape(self, {**self.labels, **self.container_labels}))

    def connect(self) -> tuple[tuple[str, ...], ...]:
        """Return the argvs that let it join its further networks."""
        return tuple((*self.endpoint.docker, "network", "connect", network, self.name) for network in self.networks)

    def start(self) -> tuple[str, ...]:
        """Return the argv that runs the command to its end, with its output."""
        return (*self.endpoint.docker, "start", "--attach", self.name)

    def logs(self) -> tuple[str, ...]:
        """Return the argv that shows its output once more."""
        return (*self.endpoint.docker, "logs", self.name)

    def kill(self, made: str) -> tuple[str, ...]:
        """Return the argv that ends it at once and leaves it there, with its output; by its id, as `remove` does."""
        return (*self.endpoint.docker, "kill", made)

    def remove(self, made: str) -> tuple[str, ...]:
        """Return the argv that ends it and takes it away; by its id, as the name may be another's by then."""
        return (*self.endpoint.docker, "rm", "--force", "--volumes", made)


@dataclass(frozen=True, slots=True)
class Job(OneOff):
    """A Swarm service of one task that ends: Swarm gives secrets and configs to no other kind of container."""

    def create(self) -> tuple[str, ...]:
        mode = ("--mode", "replicated-job", "--restart-condition", "none")
        return (
            *self.endpoint.docker,
            "service",
            "create",
            "--detach",
            "--quiet",
            "--with-registry-auth",
            *mode,
            *_options("--container-label", self.container_labels),
            *_shape(self, self.labels),
        )

    def logs(self) -> tuple[str, ...]:
        return (*self.endpoint.docker, "service", "logs", "--raw", self.name)

    def remove(self, made: str) -> tuple[str, ...]:
        return (*self.endpoint.docker, "service", "rm", made)


def _shape(one_off: OneOff, labels: Mapping[str, str]) -> tuple[str, ...]:
    env = (word for each in one_off.env for word in ("--env", each))
    program, *arguments = one_off.argv
    return (
        # A check of the app's would find no server here; Swarm ends a task for that.
        *("--name", one_off.name, "--no-healthcheck", *_options("--label", labels), *one_off.options, *env),
        *("--entrypoint", program, one_off.image, *arguments),
    )


def _options(option: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for name, value in labels.items() for word in (option, f"{name}={value}"))


def lock_name(verb: str, target: str) -> str:
    """Return the name of the container that does this with a target: its own name where an engine allows it as one."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", target)
    name = f"relbuild-{verb}-{plain}"
    if plain == target and len(name) <= MAX_NAME:
        return name
    import hashlib

    digest = hashlib.sha256(target.encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME - len(digest) - 1]}-{digest}"
