"""What came of a trial, judged: whether the release boots, what it logs, what it listens on, and how it stops.

A boot that fails is a fault of the image, unless its reason leads to something that the trial lacks: a variable, a real
value where relbuild gave a stand-in, a service, a mounted file. Then the image is not verified, and the hint says what
would verify it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from relbuild.errors import listed
from relbuild.image.findings import Finding, Status
from relbuild.image.verify.failure import LONGEST, BootFailure, read_failure, variables_at
from relbuild.image.verify.trial import HOST, TEXT, Boot
from relbuild.mix.environment import Contract
from relbuild.release.terms import decoded

OTHER_MACHINE = re.compile(r"exec format error", re.IGNORECASE)
# What docker and the shells of Debian, Alpine and others report.
NO_PROGRAM = re.compile(r"executable file not found|^\S+: (?:line )?\d+: [\w./-]+: (?:command )?not found")
NO_USER = re.compile(r"unable to find (?:user|group)")
# How an unset variable is named: by System.fetch_env!/1, by Phoenix's runtime.exs, and by a shell's ${NAME:?}.
UNSET = (
    re.compile(r'could not fetch environment variable "(\w+)"'),
    re.compile(r"environment variable ([A-Z][A-Z0-9_]*) is missing"),
    re.compile(r"\b([A-Z][A-Z0-9_]*): parameter (?:not set|null or not set)"),
)
# Any other name that looks like a variable's.
NAMED = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
# What programs report of a service that doesn't answer.
SERVICE = re.compile(
    r"econnrefused|nxdomain|non-existing domain|timed? ?out|enetunreach|ehostunreach|eai_again|unreachable"
    r"|connection (?:refused|not available|closed)|failed to connect|DBConnection",
    re.IGNORECASE,
)
# A log's entry of at least the level error, as Elixir, OTP, and the usual JSON and logfmt formatters write it.
_LEVEL = "(?:error|critical|alert|emergency)"
ELIXIR = re.compile(rf"\[{_LEVEL}\] *(?P<text>.*)")
REPORT = re.compile(r"^=(?:ERROR|CRASH) REPORT====")
FIELDS = re.compile(rf'"(?:level|severity)" ?: ?"{_LEVEL}"|\blevel={_LEVEL}\b', re.IGNORECASE)
# What the emulator prints for a flag that it doesn't take: its usage (erts, erl_init.c).
EMULATOR_USAGE = re.compile(r"^-hmaxel bool|^Usage: \S*beam", re.MULTILINE)
# A shorter message (in characters) of a requirement, or value of a stand-in, may be in an output by chance.
SHORTEST = 8
KILLED = 137
UNKNOWN = "not verified: relbuild doesn't know which variables it needs"
# What fails in every environment, and what to do about it.
ALWAYS = frozenset({"syntax", "compiled value", "cookie", "read-only"})
HINTS: Mapping[str, str] = {
    "syntax": "correct config/runtime.exs, which the release evaluates when it starts",
    "cookie": "the VM needs one cookie: set RELEASE_COOKIE, and remove -setcookie from vm.args and ERL_FLAGS",
    "read-only": "write below RELEASE_TMP or /tmp alone; reboot_system_after_config needs a writable RELEASE_TMP",
    "undefined": "a release has neither Mix nor what only mix.exs, dev or test have; what is called must be "
    "in an application of deps or extra_applications",
    "file": "the release doesn't have it: put it in priv/ and read it with Application.app_dir/2, or in rel/overlays/",
    "compiled value": "set it in config/config.exs, or read it with Application.get_env instead of compile_env",
}
# How many of the errors that a release logs are shown.
SHOWN = 3


class Lacking(NamedTuple):
    """What a trial lacks, why a boot fails without it, and how it would have it."""

    why: str
    hint: str
    status: Status = "warning"


@dataclass(frozen=True, slots=True)
class TrialSetup:
    """What a trial ran with.

    ``given`` are the names of the variables that the user gives, ``stand_ins`` the values relbuild gives. ``contract``
    is what the release needs, None where the image doesn't tell. ``ports`` are those the release should listen on.
    It had ``stop_timeout`` seconds to stop from ``stop_signal`` on. ``runtime`` is the text of the image's runtime.exs,
    ``source`` gives that of a file of the project, where there is one.
    """

    stop_timeout: int
    root: str = "/app"
    own: bool = True
    stop_signal: str = "SIGTERM"
    network: bool = False
    given: frozenset[str] = frozenset()
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    contract: Contract | None = None
    ports: tuple[int, ...] = ()
    runtime: str = ""
    source: Callable[[str], str | None] = lambda path: None


def judge_boot(boot: Boot, setup: TrialSetup) -> Iterator[Finding]:
    """Yield the findings of a trial."""
    if boot.stopped_after is None:
        reason = read_failure(boot.output)
        yield _unstartable(boot, reason) or _ended(boot, reason, setup)
        return
    yield _stopped(boot, setup)
    yield from _logged(boot, setup)
    if boot.state == "booted":
        yield from _ports(boot, setup)


def _stopped(boot: Boot, setup: TrialSetup) -> Finding:
    """Return how a release that booted, or at least stayed up, was stopped."""
    signal = setup.stop_signal
    if boot.exit_code == 0:
        with_values = f" with stand-in values for {listed(tuple(setup.stand_ins))}" if setup.stand_ins else ""
        stops = f"{signal} stops it in {boot.stopped_after:.1f} s"
        if boot.state == "booted":
            return Finding("boot", "ok", f"it boots on a read-only root{with_values}; {stops}")
        if boot.state == "up":
            unknown = "whether its applications have started isn't known, as its start script sets ERL_ZFLAGS"
            return Finding("boot", "ok", f"it stays up on a read-only root{with_values} ({unknown}); {stops}")
        late = "not verified: its applications haven't all started within 60 s"
        return Finding("boot", "warning", f"{late}; {stops}", "docker run --rm IMAGE shows what it waits for")
    if boot.exit_code == KILLED and boot.state != "booted":
        # A VM that still boots ignores SIGTERM.
        why = "not verified: whether it has booted isn't known"
        message = f"{why}, and {signal} doesn't stop it within {setup.stop_timeout} s"
        return Finding("boot", "warning", message, "docker run --rm IMAGE shows what it waits for")
    if boot.exit_code == KILLED and signal == "SIGKILL":
        message, hint = "its stop signal kills it at once: nothing that it does can end in good order", ""
    elif boot.exit_code == KILLED:
        message = f"{signal} doesn't stop it within {setup.stop_timeout} s: it had to be killed"
        hint = (
            'the release must get the signal: use the exec form, CMD ["/app/bin/NAME", "start"], and exec in a shell '
            "script that starts it; a release that takes longer to drain needs a longer --stop-timeout"
        )
    else:
        message = f"{signal} stops it with exit code {boot.exit_code}, not 0"
        hint = "something crashed while it stopped, or what started the release doesn't pass its exit code on"
    if signal != "SIGTERM":
        hint = f"SIGTERM stops a release; the image has STOPSIGNAL {signal}: remove it from the Dockerfile"
    return Finding("boot", "failed", message, hint)


def _unstartable(boot: Boot, reason: BootFailure) -> Finding | None:
    """Return the finding of a release that no environment could start, or that can't be tried here."""
    if OTHER_MACHINE.search(boot.output):
        return Finding("boot", "note", "not verified: this engine can't run programs of the image's platform")
    if boot.exit_code == 0:
        return Finding("boot", "note", "it ends by itself, with exit code 0: whether it stops was not tried")
    if boot.out_of_memory:
        return Finding(
            "boot", "warning", "not verified: the kernel killed it for its memory", "give Docker more memory"
        )
    if NO_PROGRAM.search(reason.message):
        return Finding(
            "boot",
            "failed",
            f"it doesn't start: {reason.message}",
            "bin/NAME needs a shell and sed, cut, cat, od, awk, grep, date, readlink and dirname in the image, and the "
            "programs that env.sh calls",
        )
    if not reason.refused:
        return None
    hint = "docker reports it for every start: correct what it names, such as ENTRYPOINT, CMD, USER or WORKDIR"
    if NO_USER.search(reason.message):
        hint = "name the user by number: USER 10001:10001"
    return Finding("boot", "failed", f"it can't be started: {reason.message}", hint)


def _ended(boot: Boot, found: BootFailure, setup: TrialSetup) -> Finding:
    """Return why a release doesn't boot: a fault of the image, or something that the trial lacks."""
    reason = found.message or f"exit code {boot.exit_code}"
    lacking = None if found.kind in ALWAYS else _lacking(boot, found, setup)
    if lacking is not None:
        return Finding("boot", lacking.status, f"{lacking.why}: {reason}", lacking.hint)
    return Finding("boot", "failed", f"it doesn't boot: {reason}", HINTS.get(found.kind) or _look(setup))


def _lacking(boot: Boot, found: BootFailure, setup: TrialSetup) -> Lacking | None:
    """Return what the trial lacks so that the release boots; None where the failure doesn't follow from that."""
    builtin = found.kind in ("undefined", "file")
    named = None if builtin else _named(found.message, setup)
    if named is not None:
        return _variable(named, setup)
    if (found.kind == "node" or SERVICE.search(found.message)) and not setup.network:
        why = "not verified: it needs the network" if found.kind == "node" else "not verified: it needs a service"
        return Lacking(why, "relbuild verify IMAGE --network NAME --env-file FILE tries it where that is")
    if setup.stand_ins and EMULATOR_USAGE.search(boot.output):
        name = _in_env_sh(setup)
        return Lacking(f"not verified: the VM refuses a flag made of the stand-in value of {name}", _give(name, setup))
    valued = _valued(found.message, setup.stand_ins)
    if valued is not None:
        return Lacking(f"not verified: it fails with the stand-in value of {valued}", _give(valued, setup))
    if found.kind == "file" and found.path.startswith("/") and not found.path.startswith(f"{setup.root}/"):
        why = "not verified: it needs a file that is not in the image"
        return Lacking(why, "add it in rel/overlays/ or the Dockerfile, unless it is mounted where the release runs")
    if builtin:
        return None
    if boot.exit_code == KILLED:
        return Lacking("not verified: something killed it", _look(setup))
    if (reading := _reading(found, setup)) is not None:
        return reading
    if setup.contract is None and not setup.given:
        return Lacking(UNKNOWN, _give("NAME", setup))
    return None


def _in_env_sh(setup: TrialSetup) -> str:
    """Return the variable with a stand-in that env.sh reads, where flags of the VM are made; else any."""
    variables = setup.contract.variables if setup.contract is not None else ()
    names = [each.name for each in variables if each.name in setup.stand_ins]
    own = [each.name for each in variables if each.name in setup.stand_ins and "env.sh" in str(each.at)]
    return next(iter(own or names or setup.stand_ins))


def _named(message: str, setup: TrialSetup) -> str | None:
    """Return the variable that a message names, or whose requirement has this message."""
    for pattern in UNSET:
        if found := pattern.search(message):
            return found[1]
    own = [
        (len(text), variable.name)
        for variable in (setup.contract.variables if setup.contract is not None else ())
        for each in variable.requirements
        if len(text := (each.message or "").strip().partition("\n")[0].strip()) >= SHORTEST and text in message
    ]
    if own:
        return max(own)[1]
    names = {each.name for each in setup.contract.variables} if setup.contract is not None else set()
    words = re.findall(r"\b[A-Z][A-Z0-9_]+\b", message)
    found = next((word for word in words if word in names), None)
    return found or next(iter(NAMED.findall(message)), None) or _worded(message, names)


def _worded(message: str, names: Iterable[str]) -> str | None:
    """Return the variable whose name's words are in a message one after the other: DATABASE_URL as "database URL"."""
    for name in sorted(names, key=len, reverse=True):
        words = [re.escape(word) for word in name.split("_") if word]
        if len(words) > 1 and re.search(rf"\b{'[ _-]'.join(words)}\b", message, re.IGNORECASE):
            return name
    return None


def _variable(name: str, setup: TrialSetup) -> Lacking:
    if name in setup.given:
        return Lacking(f"it doesn't boot with the {name} that it is given", f"give {name} another value", "failed")
    if name in setup.stand_ins:
        return Lacking(f"not verified: it doesn't accept the stand-in value of {name}", _give(name, setup))
    return Lacking(f"not verified: it needs {name}", _give(name, setup))


def _valued(message: str, stand_ins: Mapping[str, str]) -> str | None:
    """Return the variable whose stand-in value is in a message; the longest value decides."""
    found = [
        (len(part), name)
        for name, value in stand_ins.items()
        for part in {value, *((TEXT, HOST) if TEXT in value else ())}
        if len(part) >= SHORTEST and part in message
    ]
    return max(found)[1] if found else None


def _reading(found: BootFailure, setup: TrialSetup) -> Lacking | None:
    """Return what a failure follows from by the variables that its line depends on, in runtime.exs or the project."""
    known = [each.name for each in setup.contract.variables] if setup.contract is not None else []
    places = [("runtime.exs", found.line, setup.runtime)] if found.line is not None else []
    places += [(file, line, setup.source(file) or "") for file, line in found.places]
    for file, line, text in places:
        lacking = [name for name in variables_at(text, line, known) if name not in setup.given]
        if lacking:
            names = [name for name in lacking if name in setup.stand_ins] or lacking
            return Lacking(f"not verified: it fails in {file}, where it reads {listed(names)}", _give(names[0], setup))
    return None


def _give(name: str, setup: TrialSetup) -> str:
    if setup.own:
        return f"add to relbuild.yml: verify: {{env: {{{name}: VALUE}}}}, or verify: {{env_file: FILE}}"
    return f"relbuild verify IMAGE --env {name}=VALUE, or --env-file FILE"


def _look(setup: TrialSetup) -> str:
    options = "".join(f" --env {name}={value}" for name, value in setup.stand_ins.items())
    shows = f"to see all of its output: relbuild image --no-verify, then docker run --rm{options} IMAGE"
    name = next(iter(setup.stand_ins), None)
    return shows if name is None else f"{shows}; where a stand-in value causes it, {_give(name, setup)}"


def _logged(boot: Boot, setup: TrialSetup) -> Iterator[Finding]:
    """Yield the errors that the release logged, those of services that a trial doesn't have apart."""
    entries = list(dict.fromkeys(_entries(decoded(boot.output))))
    services = [each for each in entries if SERVICE.search(each) and not setup.network]
    errors = [each for each in entries if each not in services]
    if errors:
        more = f"\nand {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        number = "an error" if len(errors) == 1 else f"{len(errors)} errors"
        yield Finding(
            "log",
            "warning",
            f"it logs {number} while it boots:\n" + "\n".join(errors[:SHOWN]) + more,
            "to see all of its output: docker run --rm IMAGE",
        )
    if services:
        yield Finding(
            "log", "note", f"a service could not be reached, because the trial container has no network: {services[0]}"
        )


def _entries(output: str) -> Iterator[str]:
    """Yield each error of a log on one line: what it begins with, and the exception where it has one."""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        following = [each.strip() for each in lines[number + 1 : number + 4]]
        if found := ELIXIR.search(line):
            text = " ".join((found["text"], *(each for each in following if each.startswith("** ("))))
        elif REPORT.search(line):
            text = " ".join(following)
        elif FIELDS.search(line):
            text = line.strip()
        else:
            continue
        yield re.sub(r"#PID<[\d.]+>", "#PID<...>", text)[:LONGEST].strip()


def _ports(boot: Boot, setup: TrialSetup) -> Iterator[Finding]:
    for port in setup.ports:
        addresses = [each for each in boot.sockets if each.port == port]
        if not addresses:
            yield Finding(
                "port",
                "warning",
                f"nothing listens on port {port}",
                "Phoenix serves HTTP with PHX_SERVER=true or `server: true`, on the port that runtime.exs sets; remove "
                "EXPOSE or PORT from what serves nothing",
            )
        elif all(each.loopback for each in addresses):
            yield Finding(
                "port",
                "warning",
                f"it listens on {addresses[0]} alone, which nothing outside of the container reaches",
                "listen on all addresses: http: [ip: {0, 0, 0, 0, 0, 0, 0, 0}] in the endpoint's configuration",
            )
        else:
            yield Finding("port", "ok", f"it listens on port {port}")
