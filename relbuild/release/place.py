"""Places: where a release's commands run, which verb makes sense where, and the argv of a command in a place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.errors import UsageError
from relbuild.release.boot_script import ROOT, ReleaseCommand

IMAGE, CONTAINER, SERVICE, POD, DEPLOYMENT = "image", "container", "service", "pod", "deployment"
TARGET = "target"
# Each kind of place with what follows its colon in --on; a target is written by its name alone.
PLACES = {IMAGE: "REF", CONTAINER: "NAME", SERVICE: "NAME", POD: "[NAMESPACE/]NAME", DEPLOYMENT: "[NAMESPACE/]NAME"}
EVERYWHERE = tuple(PLACES)
RUNNING = (CONTAINER, SERVICE, POD, DEPLOYMENT)

# No limit of open files: an engine that isn't root can't raise one, and the image caps what the VM makes of it.
HARDENING = ("--read-only", "--tmpfs", "/tmp")
# In the environment of every process of one call.
MARK = "RELBUILD_CALL"
# The label of one-off containers: no command takes one for the running system.
ONE_OFF = "io.relbuild.one-off"
# The engine's message for a container, and Swarm's for a service, whose name is taken.
NAME_TAKEN = re.compile(r"is already in use by|name conflicts with an existing object")
# The terminals that Debian's ncurses-base describes, and so every Debian image; Erlang's shell is a dumb one elsewhere.
TERMINALS = frozenset(
    {
        *("ansi", "dumb", "linux", "rxvt", "rxvt-basic", "rxvt-unicode", "rxvt-unicode-256color", "screen"),
        *("screen-256color", "tmux", "tmux-256color", "vt100", "vt102", "vt220", "vt52", "xterm", "xterm-256color"),
        *("xterm-color", "xterm-mono"),
    }
)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: the boot script's word for it, the kinds of place where it makes sense, and why it doesn't elsewhere."""

    script: str
    places: tuple[str, ...]
    elsewhere: str = ""
    stdin: bool = False
    terminal: bool = False


_NOTHING_RUNS = "it speaks to a running system, and in a one-off container of an image none runs"
_STARTS = "it starts a system of its own, and there one runs already"
_NO_ONE_OFF = "relbuild starts no pods of its own"

VERBS = {
    "eval": Verb("eval", EVERYWHERE, stdin=True),
    "rpc": Verb("rpc", RUNNING, _NOTHING_RUNS, stdin=True),
    "remote": Verb("remote", RUNNING, _NOTHING_RUNS, stdin=True, terminal=True),
    "start-iex": Verb("start_iex", (IMAGE,), _STARTS, stdin=True, terminal=True),
    "pid": Verb("pid", RUNNING, _NOTHING_RUNS),
    "stop": Verb("stop", RUNNING, _NOTHING_RUNS),
    "restart": Verb("restart", RUNNING, _NOTHING_RUNS),
    "version": Verb("version", EVERYWHERE),
    "migrate": Verb("eval", (IMAGE, CONTAINER, SERVICE), _NO_ONE_OFF),
    "logs": Verb("", RUNNING, "a one-off container of an image has no log yet"),
}
# The verb that does what was probably meant.
INSTEAD = {
    "start-iex": "relbuild remote is the shell on the running one",
    "rpc": "relbuild eval needs no running system",
    "migrate": "relbuild eval runs its expression in the pod",
}


def require(verb: str, kind: str) -> Verb:
    """Return a verb that makes sense at a kind of place; raise UsageError, naming those where it does."""
    found = VERBS[verb]
    if kind in found.places:
        return found
    article = "an" if kind[0] in "aeiou" else "a"
    hint = f"relbuild {verb} --on {choices(found.places)}"
    raise UsageError(
        f"{verb} does not support {article} {kind}: {found.elsewhere}",
        hint=f"{hint}; {INSTEAD[verb]}" if verb in INSTEAD else hint,
    )


def choices(kinds: tuple[str, ...]) -> str:
    """Return the kinds of place as one writes them; a target's name means what runs there."""
    words = [f"{kind}:{PLACES[kind]}" for kind in kinds]
    if CONTAINER in kinds:
        words.append("a target's name from relbuild.yml")
    return " or ".join((", ".join(words[:-1]), words[-1])) if words[1:] else words[0]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a container gets from outside: environment (by name: an argv holds no secret), network, further options."""

    env: tuple[str, ...] = ()
    network: str | None = None
    options: tuple[str, ...] = ()

    @property
    def argv(self) -> tuple[str, ...]:
        """All of it as options of docker run."""
        argv: list[str] = []
        for name in self.env:
            argv += ["--env", name]
        if self.network is not None:
            argv += ["--network", self.network]
        return (*argv, *self.options)


NO_OPTIONS = RunOptions()


@dataclass(frozen=True, slots=True)
class Call:
    """How a command is called: its streams, and the mark by which the processes it starts are found and ended.

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
        """The variables that the command gets from the call itself."""
        term = (f"TERM={self.term}",) if self.term is not None else ()
        return (*term, f"{MARK}={self.mark}") if self.mark is not None else term


CALL = Call()


@dataclass(frozen=True, slots=True)
class Place:
    """A place, first as ``--on`` names it, then with what is known of it once it is found.

    ``endpoint`` is the engine that has it: a service's is a manager's, a pod's context is kubectl's. Commands run in
    ``container`` at the engine ``node`` where it is a running one, in a one-off container of ``name`` where it is an
    image. ``options`` are what a one-off container gets, or the environment that a command gets. ``env`` are the
    variables of the running container.
    """

    kind: str
    name: str
    namespace: str | None = None
    endpoint: Endpoint = DEFAULT
    release: str = ""
    root: str = ROOT
    options: RunOptions = NO_OPTIONS
    container: str = ""
    node: Endpoint | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, on: str) -> Place:
        """Return what ``--on`` names; raise UsageError for a kind of place that doesn't exist."""
        kind, colon, name = on.partition(":")
        if not colon and kind and kind not in PLACES:
            return cls(TARGET, kind)
        if kind not in PLACES or not name or name.startswith("-"):
            raise UsageError(f"--on {on}: there is no such place", hint=f"write --on {choices(EVERYWHERE)}")
        namespace, slash, own = name.partition("/")
        if slash and kind in (POD, DEPLOYMENT):
            return cls(kind, own, namespace)
        return cls(kind, name)

    def __str__(self) -> str:
        """Return the place as ``--on`` names it."""
        name = self.name if self.namespace is None else f"{self.namespace}/{self.name}"
        return self.name if self.kind == TARGET else f"{self.kind}:{name}"

    @property
    def label(self) -> str:
        """The place in a sentence."""
        if self.kind == SERVICE:
            return f"service {self.name}"
        return self.name if self.kind in (IMAGE, CONTAINER) else str(self)

    @property
    def is_cluster(self) -> bool:
        """Whether kubectl runs commands there."""
        return self.kind in (POD, DEPLOYMENT)

    def argv(self, verb: str, args: tuple[str, ...] = (), call: Call = CALL) -> tuple[str, ...]:
        """Return the argv that runs a command of the boot script here."""
        command = ReleaseCommand(self.release, verb, args, self.root)
        if self.kind == IMAGE:
            return self._run(command, call)
        env = call.environment
        if self.is_cluster:
            # kubectl exec takes no --env.
            return self._exec(call, (), (*(("env", *env) if env else ()), *command.argv))
        return self._exec(call, (*self.options.env, *env), command.argv)

    def undo(self, call: Call) -> tuple[str, ...] | None:
        """Return the argv that ends what a call has started here, or None for a call without a mark."""
        if call.mark is None:
            return None
        if self.kind == IMAGE:
            return remove_container(f"relbuild-{call.mark}", self.endpoint)
        return self._exec(Call(stdin=False), (), end_marked(call.mark))

    def shell(self, script: str) -> tuple[str, ...]:
        """Return the argv that runs a shell script in the running container."""
        return self._exec(Call(stdin=False), (), ("sh", "-c", script))

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the argv that shows what the release has written; of a service, what all of its tasks have."""
        if self.is_cluster:
            return (*self._kubectl("logs"), *options, f"{self.kind}/{self.name}")
        if self.kind == SERVICE:
            return (*self.endpoint.docker, "service", "logs", *options, self.name)
        return (*self.endpoint.docker, "logs", *options, self.name)

    def _run(self, command: ReleaseCommand, call: Call) -> tuple[str, ...]:
        """Return the argv of a one-off container: read-only, with a /tmp of its own, removed when it ends."""
        argv = [*self.endpoint.docker, "run", "--rm", *call.flags]
        if call.mark is not None:
            argv += ["--name", f"relbuild-{call.mark}", "--label", f"{ONE_OFF}="]
        if call.term is not None:
            argv += ["--env", f"TERM={call.term}"]
        argv += [*HARDENING, *self.options.argv, "--entrypoint", command.program]
        return (*argv, self.name, command.verb, *command.args)

    def _exec(self, call: Call, env: tuple[str, ...], argv: tuple[str, ...]) -> tuple[str, ...]:
        if self.is_cluster:
            return (*self._kubectl("exec"), *call.kubectl_flags, f"{self.kind}/{self.name}", "--", *argv)
        docker = (self.node or self.endpoint).docker
        words = tuple(word for each in env for word in ("--env", each))
        container = self.container if self.kind == SERVICE else self.name
        return (*docker, "exec", *call.flags, *words, container, *argv)

    def _kubectl(self, verb: str) -> tuple[str, ...]:
        context = ("--context", self.endpoint.context) if self.endpoint.context is not None else ()
        namespace = ("--namespace", self.namespace) if self.namespace is not None else ()
        return ("kubectl", *context, *namespace, verb)


def remove_container(name: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that ends and removes a container, if there is one."""
    return (*endpoint.docker, "rm", "--force", "--volumes", name)


def end_marked(mark: str) -> tuple[str, ...]:
    """Return the argv that ends all processes with a mark: an exec's client leaves them running when it ends."""
    script = f'for p in /proc/[0-9]*; do if grep -q {MARK}={mark} "$p/environ"; then kill -9 "${{p#/proc/}}"; fi; done'
    return ("sh", "-c", f"{{ {script}; }} 2>/dev/null")


def terminal_in(own: str) -> str:
    """Return what the terminal is called inside a container: its own kind, or the nearest that an image knows."""
    return own if own in TERMINALS else "xterm-256color"


@dataclass(frozen=True, slots=True)
class NewContainer:
    """A container that boots the release and goes on running: what ``relbuild run`` starts.

    ``nofile`` is the limit of open files, ``SOFT`` or ``SOFT:HARD``; None is the engine's own. ``stop_timeout`` is in
    seconds.
    """

    reference: str
    name: str | None = None
    publish: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    options: RunOptions = NO_OPTIONS
    nofile: str | None = None
    detach: bool = False
    stop_timeout: int = 30
    endpoint: Endpoint = DEFAULT

    def argv(self) -> tuple[str, ...]:
        """Return the argv that starts it."""
        argv: list[str] = [*self.endpoint.docker, "run"]
        # No --tty: Ctrl-C then comes to relbuild, which sends SIGTERM to the container; the VM would show a menu.
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
        return (*argv, *self.options.argv, self.reference)
