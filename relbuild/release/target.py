"""Where a release's command runs: a place makes an argv of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.release.command import ReleaseCommand

# No limit of open files: an engine that isn't root can't raise one, and the image caps what the VM makes of it.
HARDENING = ("--read-only", "--tmpfs", "/tmp")
# In the environment of every process of one call.
MARK = "RELBUILD_CALL"
# The label of one-off containers: no command takes one for the running system.
ONE_OFF = "io.relbuild.one-off"
# What the engine says of a container, and Swarm of a service, of whose name there is one.
NAME_TAKEN = re.compile(r"is already in use by|name conflicts with an existing object")


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
class Call:
    """How a command is called: what goes in and out, and the mark by which what it started is found and ended.

    ``term`` is the terminal's kind when it is handed over.
    """

    stdin: bool = True
    term: str | None = None
    mark: str | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """The options of docker's run and exec."""
        return ("--interactive",) * self.stdin + ("--tty",) * (self.term is not None)

    @property
    def kubectl_flags(self) -> tuple[str, ...]:
        """The options of kubectl exec."""
        return ("--stdin",) * self.stdin + ("--tty",) * (self.term is not None)

    @property
    def environment(self) -> tuple[str, ...]:
        """What the command's environment gets from the call itself."""
        term = (f"TERM={self.term}",) if self.term is not None else ()
        return (*term, f"{MARK}={self.mark}") if self.mark is not None else term


CALL = Call()


class Place(Protocol):
    """Somewhere a release's command runs."""

    def argv(self, command: ReleaseCommand, call: Call = CALL) -> tuple[str, ...]:
        """Return the argv that runs the command here."""

    def undo(self, call: Call) -> tuple[str, ...] | None:
        """Return the argv that ends what a call has started here, or None for a call without a mark."""

    def shell(self, script: str) -> tuple[str, ...]:
        """Return the argv that runs a shell script here."""


@runtime_checkable
class Logged(Protocol):
    """Somewhere that keeps what the release has written."""

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the argv that shows it."""


@dataclass(frozen=True, slots=True)
class Image:
    """A one-off container of an image: read-only, with a /tmp of its own, gone when the command ends."""

    reference: str
    surroundings: Surroundings = NOTHING
    endpoint: Endpoint = DEFAULT

    def argv(self, command: ReleaseCommand, call: Call = CALL) -> tuple[str, ...]:
        argv = [*self.endpoint.docker, "run", "--rm", *call.flags]
        if call.mark is not None:
            argv += ["--name", f"relbuild-{call.mark}", "--label", f"{ONE_OFF}="]
        if call.term is not None:
            argv += ["--env", f"TERM={call.term}"]
        argv += [*HARDENING, *self.surroundings.argv, "--entrypoint", command.program]
        return (*argv, self.reference, command.verb, *command.args)

    def undo(self, call: Call) -> tuple[str, ...] | None:
        return None if call.mark is None else remove_container(f"relbuild-{call.mark}", self.endpoint)

    def shell(self, script: str) -> tuple[str, ...]:
        return (*self.endpoint.docker, "run", "--rm", "--entrypoint", "sh", self.reference, "-c", script)


@dataclass(frozen=True, slots=True)
class Container:
    """A running container; ``env`` (names, or NAME=VALUE) is added to what it has."""

    name: str
    endpoint: Endpoint = DEFAULT
    env: tuple[str, ...] = ()

    def argv(self, command: ReleaseCommand, call: Call = CALL) -> tuple[str, ...]:
        return self._exec(call.flags, (*self.env, *call.environment), command.argv)

    def undo(self, call: Call) -> tuple[str, ...] | None:
        return None if call.mark is None else self._exec((), (), end_marked(call.mark))

    def shell(self, script: str) -> tuple[str, ...]:
        """Return the argv that runs a shell script here."""
        return self._exec((), (), ("sh", "-c", script))

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the argv that shows what it has written."""
        return (*self.endpoint.docker, "logs", *options, self.name)

    def _exec(self, flags: tuple[str, ...], env: tuple[str, ...], argv: tuple[str, ...]) -> tuple[str, ...]:
        words = tuple(word for each in env for word in ("--env", each))
        return (*self.endpoint.docker, "exec", *flags, *words, self.name, *argv)


@dataclass(frozen=True, slots=True)
class Service:
    """A running task of a Swarm service: a container on the node it runs on; ``endpoint`` is a manager's."""

    name: str
    task: Container
    endpoint: Endpoint = DEFAULT

    def argv(self, command: ReleaseCommand, call: Call = CALL) -> tuple[str, ...]:
        return self.task.argv(command, call)

    def undo(self, call: Call) -> tuple[str, ...] | None:
        return self.task.undo(call)

    def shell(self, script: str) -> tuple[str, ...]:
        """Return the argv that runs a shell script in the task."""
        return self.task.shell(script)

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the argv that shows what all of its tasks have written."""
        return (*self.endpoint.docker, "service", "logs", *options, self.name)


@dataclass(frozen=True, slots=True)
class Pod:
    """A Kubernetes pod, in kubectl's current context and namespace where none is given."""

    name: str
    context: str | None = None
    namespace: str | None = None
    resource: ClassVar[str] = "pod"

    def argv(self, command: ReleaseCommand, call: Call = CALL) -> tuple[str, ...]:
        # kubectl exec takes no --env.
        env = ("env", *call.environment) if call.environment else ()
        return (*self._kubectl("exec"), *call.kubectl_flags, self._reference, "--", *env, *command.argv)

    def undo(self, call: Call) -> tuple[str, ...] | None:
        return None if call.mark is None else (*self._kubectl("exec"), self._reference, "--", *end_marked(call.mark))

    def shell(self, script: str) -> tuple[str, ...]:
        """Return the argv that runs a shell script here."""
        return (*self._kubectl("exec"), self._reference, "--", "sh", "-c", script)

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the argv that shows what it has written."""
        return (*self._kubectl("logs"), *options, self._reference)

    @property
    def _reference(self) -> str:
        return f"{self.resource}/{self.name}"

    def _kubectl(self, verb: str) -> tuple[str, ...]:
        context = ("--context", self.context) if self.context is not None else ()
        namespace = ("--namespace", self.namespace) if self.namespace is not None else ()
        return ("kubectl", *context, *namespace, verb)


@dataclass(frozen=True, slots=True)
class Deployment(Pod):
    """A pod of a Kubernetes deployment: the one kubectl picks."""

    resource: ClassVar[str] = "deployment"


def remove_container(name: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that ends and removes a container; there need be none."""
    return (*endpoint.docker, "rm", "--force", "--volumes", name)


def end_marked(mark: str) -> tuple[str, ...]:
    """Return the argv that ends all processes with a mark: an exec's client, when it ends, leaves them running."""
    script = f'for p in /proc/[0-9]*; do if grep -q {MARK}={mark} "$p/environ"; then kill -9 "${{p#/proc/}}"; fi; done'
    return ("sh", "-c", f"{{ {script}; }} 2>/dev/null")


@dataclass(frozen=True, slots=True)
class NewContainer:
    """A container that boots the release and goes on running: what ``relbuild run`` starts.

    ``nofile`` is the limit of open files, ``SOFT`` or ``SOFT:HARD``; None leaves the engine's own.
    """

    reference: str
    name: str | None = None
    publish: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings = NOTHING
    nofile: str | None = None
    detach: bool = False
    stop_timeout: int = 30
    endpoint: Endpoint = DEFAULT

    def argv(self) -> tuple[str, ...]:
        """Return the docker argv that starts it; ``stop_timeout`` is in seconds."""
        argv: list[str] = [*self.endpoint.docker, "run"]
        # No --tty: then Ctrl-C comes to relbuild, which passes it on as the wish to stop; the VM would ask what to do.
        argv += ["--detach"] if self.detach else ["--rm", "--interactive"]
        if self.name is not None:
            argv += ["--name", self.name]
        argv += ["--init", "--stop-timeout", str(self.stop_timeout), *HARDENING]
        if self.nofile is not None:
            argv += ["--ulimit", f"nofile={self.nofile}"]
        for port in self.publish:
            argv += ["--publish", port]
        for key, value in self.labels.items():
            argv += ["--label", f"{key}={value}"]
        return (*argv, *self.surroundings.argv, self.reference)
