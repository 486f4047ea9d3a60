"""The release tried out in its image: the containers that do it, and what came of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.image.shipped import Shipped
from relbuild.release.command import ReleaseCommand
from relbuild.release.target import HARDENING, NOTHING, ONE_OFF, Surroundings
from relbuild.values import dataclass

if TYPE_CHECKING:
    from relbuild.mix.environment import Contract

# Printed by the VM when every application has been started. erl runs its -eval when the boot script has asked for the
# starts, which go on then (application:start_boot/2), so a process waits until none is left in application_controller's
# list of those that are starting. Not by the VM of an `eval` that a start script runs first. Without quotes and spaces,
# which erl would take apart.
BOOTED = "relbuild_has_booted"
STARTING = "proplists:get_value(starting,application_controller:info())"
# At its end the VM waits a second for output that is under way, also where there is none (user_sup:terminate/2): no
# trial waits that long. The process that has the standard streams gets another module's terminate/2, which
# does nothing; where its state is another than in OTP 25 to 29, it stays as it is.
WAITS, ENDS_AT_ONCE = "{state,user_sup,A,B,C}", "{state,erl_signal_handler,A,B,C}"
END_AT_ONCE = (
    f"catch([sys:replace_state(P,fun({WAITS})->{ENDS_AT_ONCE};(S)->(S)end)"
    "||{user,P,_,_}<-supervisor:which_children(kernel_sup)])"
)
IS_UP = f"{END_AT_ONCE},erlang:display({BOOTED})"
WAIT = f"(fun(F)->F(F)end)(fun(F)->(case({STARTING})of[]->{IS_UP};_->timer:sleep(9),F(F)end)end)"
SAY_BOOTED = f"[spawn(fun()->{WAIT}end)||os:getenv({[*b'RELEASE_COMMAND']})=/={[*b'eval']}]".replace(" ", "")
EXPRESSION = "IO.puts(:relbuild_evaluates)"
# One container for both, as starting one takes longer than `version` does. What went to stderr would
# else come before or after the line that parts them, as it happens.
VERSION_ENDED = "relbuild_version_ended="
BOTH = f'exec 2>&1; "$0" version; echo "{VERSION_ENDED}$?"; exec "$0" eval "$1"'
# A release whose runtime.exs asks for what isn't here is evaluated without its configuration.
BARE = 'echo "[]." >/tmp/bare.config && RELEASE_SYS_CONFIG=/tmp/bare exec "$0" eval "$1"'
# A crash dump takes seconds and says nothing that the last lines don't.
NO_DUMP = ("--env", "ERL_CRASH_DUMP_SECONDS=0")
# What each trial is called at the end of its container's name.
TRIALS = ("commands", "bare", "boot")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it printed."""

    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Boot:
    """A start of the release.

    ``stopped_after`` is in seconds from the stop signal to its end, None when it ended by itself; ``silent_for`` how
    many seconds it was waited in vain for its saying that it is up.
    """

    exit_code: int | None
    stopped_after: float | None
    output: str
    silent_for: float | None = None


@dataclass(frozen=True, slots=True)
class Trials:
    """What was tried; ``bare`` is eval without the release's configuration, where it failed with it."""

    version: Ran
    evaluated: Ran
    bare: Ran | None
    boot: Boot


@dataclass(frozen=True, slots=True)
class Start:
    """How a release was tried out: ``given`` are the names of the user's variables for it, ``env`` the image's own.

    ``contract`` is what it needs, None where the image doesn't tell. It had ``stop_timeout`` seconds to stop from
    ``stop_signal`` on, the image's.
    """

    stop_timeout: int
    stop_signal: str = "SIGTERM"
    given: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    contract: Contract | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """A platform that is not the engine's own, and the flags with which a VM runs there emulated."""

    platform: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Containers:
    """The docker commands that try a release out: on a read-only root, and without a network unless one is given."""

    image: str
    shipped: Shipped
    name: str
    surroundings: Surroundings = NOTHING
    endpoint: Endpoint = DEFAULT
    foreign: Foreign | None = None

    @property
    def starting(self) -> str:
        """The name of the container that starts what the image starts."""
        return f"{self.name}-boot"

    @property
    def commands(self) -> tuple[str, ...]:
        """Print the release's name and version, and evaluate an expression; ``parted`` reads what comes of it."""
        return self._shell("commands", BOTH)

    @property
    def bare(self) -> tuple[str, ...]:
        """Evaluate it without the release's configuration."""
        return self._shell("bare", BARE)

    def boot(self, env: Mapping[str, str]) -> tuple[str, ...]:
        """Start what the image starts by itself; ``env`` is the image's environment."""
        flags = f"{env.get('ERL_AFLAGS', '')} -eval {SAY_BOOTED}".strip()
        return (*self._run("boot"), "--env", f"ERL_AFLAGS={flags}", self.image)

    def all(self, env: Mapping[str, str], stop_timeout: int) -> tuple[tuple[str, ...], ...]:
        """Return what is run where all goes well."""
        return self.commands, self.boot(env), self.stop(stop_timeout)

    def stop(self, seconds: int) -> tuple[str, ...]:
        """Stop what was started; it has this long from the image's stop signal until it is killed."""
        return (*self.endpoint.docker, "stop", "-t", str(seconds), self.starting)

    def remove(self, *trials: str) -> tuple[str, ...]:
        """Remove the containers of these trials, should they still be there."""
        return (*self.endpoint.docker, "rm", "--force", *(f"{self.name}-{trial}" for trial in trials))

    @property
    def _program(self) -> str:
        return ReleaseCommand(self.shipped.name, "version", root=self.shipped.root).program

    def _shell(self, trial: str, script: str) -> tuple[str, ...]:
        return (*self._run(trial), "--entrypoint", "sh", self.image, "-c", script, self._program, EXPRESSION)

    def _run(self, trial: str) -> tuple[str, ...]:
        given = Surroundings(self.surroundings.env, self.surroundings.network or "none", self.surroundings.options)
        name = ("--name", f"{self.name}-{trial}", "--label", f"{ONE_OFF}=")
        return (*self.endpoint.docker, "run", "--rm", *self._platform, *name, *HARDENING, *given.argv, *NO_DUMP)

    @property
    def _platform(self) -> tuple[str, ...]:
        if self.foreign is None:
            return ()
        flags = ("--env", f"ERL_ZFLAGS={self.foreign.flags}") if self.foreign.flags else ()
        return ("--platform", self.foreign.platform, *flags)


def parted(both: Ran) -> tuple[Ran, Ran]:
    """Return what came of `version` and of `eval`; where the first never ended both are the same failure."""
    found = re.search(rf"^{VERSION_ENDED}(\d+)\n", both.output, re.MULTILINE)
    if found is None:
        return both, both
    version, evaluated = both.output[: found.start()], both.output[found.end() :]
    return Ran(int(found[1]), version), Ran(both.exit_code, evaluated)
