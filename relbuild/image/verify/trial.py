"""The container that boots an image for its verification, and the values that its required variables get."""

from __future__ import annotations

import ipaddress
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.image.labels import TRIAL
from relbuild.mix.environment import COMMAND, Contract, Use, Variable, lacks, undecided
from relbuild.release.place import HARDENING, NO_OPTIONS, ONE_OFF, RunOptions, remove_container
from relbuild.templates import render

# Decimal digits are valid as text, base64 and hexadecimal of any case; 64 of them are a secret_key_base.
DIGITS = "0123456789"
SECRET_BYTES = 64
# Of an encoded key: what AES-256 takes.
KEY_BYTES = 32
TEXT = "relbuild"
# Reserved by RFC 2606; the trial's own hosts file resolves it to the loopback address.
HOST = "relbuild.invalid"
VALUES = {
    "integer": "4000",
    "float": "1.0",
    "boolean": "true",
    "choice": TEXT,
    "atom": "true",
    "module": "Elixir.String",
    "dsn": f"https://{TEXT}@{HOST}/1",
    "host": HOST,
    "ip": "127.0.0.1",
    "email": f"{TEXT}@{HOST}",
    "json": "{}",
    "version": "1.0.0",
    "date": "2026-01-01",
    "datetime": "2026-01-01T00:00:00Z",
}
# What a requirement's own message gives as an example: a URL, or an absolute path.
EXAMPLE_URL = re.compile(r"\b(?P<scheme>[a-z][a-z0-9+.-]*)://")
EXAMPLE_PATH = re.compile(r"(?:^|\s)/\w[\w./-]+")
# By the words of a variable's name, where its use isn't known.
IP, NUMBER = re.compile(r"(?:^|_)(?:IP|ADDR|ADDRESS)$"), re.compile(r"(?:^|_)(?:PORT|SIZE|COUNT|LIMIT|TIMEOUT|TTL)$")


def stand_ins(contract: Contract, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return a value for each variable that the release requires and isn't given, and those that they require in turn.

    Variables of which only the running system knows whether they are required get one as well.
    """
    found: dict[str, str] = {}
    # A value may satisfy the condition under which others are required.
    for _ in range(len(contract.variables)):
        environment = {**given, **found, COMMAND: "start"}
        lacking = (*(each.variable for each in lacks(contract, environment)), *undecided(contract, environment))
        new = {each.name: value_for(each) for each in lacking if each.name not in given and each.name not in found}
        if not new:
            break
        found |= new
    return found


def value_for(variable: Variable) -> str:
    """Return a value that the release accepts for a variable, as far as its contract tells."""
    candidates = list(_candidates(variable))
    fails = tuple(each.fails for each in variable.requirements)
    return next((value for value in candidates if not any(each.holds(value) for each in fails)), candidates[0])


def _candidates(variable: Variable) -> Iterator[str]:
    """Yield values from the likeliest on."""
    use = variable.use
    if use is not None and use.values:
        yield ("true" if "true" in use.values else use.values[0]) if use.kind == "boolean" else use.values[0]
    for requirement in variable.requirements:
        # Fails unless the value is one of some.
        if not requirement.fails.inside:
            yield from sorted(value for value in requirement.fails.values if value)
    if use is not None:
        yield _by_use(variable.name, use)
    message = "\n".join(each.message for each in variable.requirements if each.message)
    if url := EXAMPLE_URL.search(message):
        yield _url(url["scheme"])
    if EXAMPLE_PATH.search(message):
        yield _path(variable.name)
    if variable.secret or "gen.secret" in message:
        yield _digits(SECRET_BYTES)
    if IP.search(variable.name):
        yield VALUES["ip"]
    if NUMBER.search(variable.name):
        yield VALUES["integer"]
    yield TEXT


def _by_use(name: str, use: Use) -> str:
    if use.kind == "url":
        return _url(use.scheme or "https")
    if use.kind in ("path", "file"):
        return _path(name)
    if use.kind == "secret":
        return _digits(max(use.bytes or 0, SECRET_BYTES))
    if use.kind == "hex":
        return _digits(2 * (use.bytes or KEY_BYTES))
    if use.kind == "base64":
        return b64encode((TEXT.encode() * KEY_BYTES)[: use.bytes or KEY_BYTES]).decode()
    return VALUES[use.kind]


def _url(scheme: str) -> str:
    if scheme in ("http", "https", "ws", "wss"):
        return f"{scheme}://{HOST}"
    # Ecto accepts any scheme, others that read the same variable only their database's.
    return f"{'postgres' if scheme == 'ecto' else scheme}://{TEXT}:{TEXT}@{HOST}/{TEXT}"


def _path(name: str) -> str:
    return f"/tmp/{TEXT}-{name.lower()}"


def _digits(length: int) -> str:
    return (DIGITS * (length // len(DIGITS) + 1))[:length]


# The VM writes this file when every application has started. erl evaluates it when the boot script has asked for the
# starts, which go on then (application:start_boot/2); info/0 lists those that are under way. The VM of an `eval` that a
# start script runs first doesn't write it.
BOOTED = "/tmp/relbuild-booted"
SIGNAL = (
    "[spawn(fun Wait()->case proplists:get_value(starting,application:info(),[])of"
    f'[]->file:write_file("{BOOTED}",[]);_->timer:sleep(20),Wait()end end)'
    '||os:getenv("RELEASE_COMMAND")=/="eval"]'
)
# ERL_AFLAGS and ERL_FLAGS are often set in env.sh, this one seldom (erl's manual names the three).
FLAGS = "ERL_ZFLAGS"
HOSTNAME = "trial"
# A crash dump takes seconds, and says no more than the output.
NO_DUMP = "ERL_CRASH_DUMP_SECONDS=0"
# How long the boot may take, in tenths of a second, and how much longer where the platform is emulated.
PATIENCE = 600
EMULATED = 5
# /proc/net/tcp, in hexadecimal (the kernel's networking/proc_net_tcp).
LISTENS = "0A"

State = Literal["booted", "up", "slow"]


class Socket(NamedTuple):
    """An address and port that something listens on."""

    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only the container itself reaches it."""
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Boot:
    """What came of a trial.

    ``state`` is "booted", "up" where the VM couldn't signal that it has booted, "slow" where it didn't within the time,
    and None where the release ended by itself or was never started. ``stopped_after`` is in seconds from the stop
    signal to its end.
    """

    output: str
    exit_code: int | None = None
    state: State | None = None
    stopped_after: float | None = None
    out_of_memory: bool = False
    sockets: tuple[Socket, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A platform that is not the engine's own, and the flags with which a VM runs there emulated."""

    platform: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class TrialContainer:
    """The docker commands of a trial: on a read-only root, and without a network unless one is given.

    ``env`` is the environment that the image sets and the user gives; of ``options`` only names are in a command,
    ``stand_ins`` are no secrets.
    """

    image: str
    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    options: RunOptions = NO_OPTIONS
    endpoint: Endpoint = DEFAULT
    foreign: Foreign | None = None

    @property
    def start(self) -> tuple[str, ...]:
        """Start what the image starts by itself."""
        platform = () if self.foreign is None else ("--platform", self.foreign.platform)
        given = RunOptions(self.options.env, self.options.network or "none", self.options.options)
        # Scripts look up their own host's name, which has an address in every network but none.
        hosts = () if self.options.network else ("--hostname", HOSTNAME, *_hosts(HOSTNAME, HOST))
        env = (f"{FLAGS}={self._flags}", NO_DUMP, *(f"{name}={value}" for name, value in self.stand_ins.items()))
        return (
            *(*self.endpoint.docker, "run", "--detach", "--name", self.name),
            *("--label", f"{ONE_OFF}=", "--label", TRIAL),
            *(*platform, *HARDENING, *given.argv, *hosts),
            *(word for each in env for word in ("--env", each)),
            self.image,
        )

    @property
    def watch(self) -> tuple[str, ...]:
        """Wait until it has booted; ``watched`` reads what this prints."""
        patience = PATIENCE * (1 if self.foreign is None else EMULATED)
        script = render("verify/watch.sh")
        return (*self.endpoint.docker, "exec", self.name, "sh", "-c", script, "watch", BOOTED, str(patience))

    @property
    def inspect(self) -> tuple[str, ...]:
        """Print whether it runs, its exit code, and whether it ran out of memory."""
        said = "{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}"
        return (*self.endpoint.docker, "container", "inspect", "--format", said, self.name)

    @property
    def logs(self) -> tuple[str, ...]:
        """Print what it has written."""
        return (*self.endpoint.docker, "logs", self.name)

    def stop(self, seconds: int) -> tuple[str, ...]:
        """Stop it; it has this long from the image's stop signal until it is killed."""
        return (*self.endpoint.docker, "stop", "-t", str(seconds), self.name)

    @property
    def remove(self) -> tuple[str, ...]:
        """Remove it; there need be none."""
        return remove_container(self.name, self.endpoint)

    def all(self, stop_timeout: int) -> tuple[tuple[str, ...], ...]:
        """Return the commands of a trial in their order."""
        return self.start, self.watch, self.inspect, self.logs, self.stop(stop_timeout), self.inspect, self.remove

    @property
    def _flags(self) -> str:
        emulated = self.foreign.flags if self.foreign is not None else ""
        return " ".join(filter(None, (self.env.get(FLAGS, ""), emulated, f"-eval '{SIGNAL}'")))


def _hosts(*names: str) -> Iterator[str]:
    for name in names:
        yield from ("--add-host", f"{name}:127.0.0.1")


def watched(printed: str) -> tuple[State | None, tuple[Socket, ...]]:
    """Return how the release was, None where it ended or the image has no shell, and the sockets it listens on."""
    state, _, tables = printed.partition("\n")
    states: tuple[State, ...] = ("booted", "up", "slow")
    found = next((each for each in states if each == state), None)
    return found, tuple(dict.fromkeys(listening(tables)))


def listening(tables: str) -> Iterator[Socket]:
    """Yield the sockets that are listened on, of the content of /proc/net/tcp and tcp6."""
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == LISTENS:
            address, _, port = words[1].partition(":")
            yield Socket(_address(address), int(port, 16))


def _address(digits: str) -> str:
    """Return an address of which each 32 bits are written as a number of this machine's order: the low byte first."""
    packed = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    found = ipaddress.ip_address(packed)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
