"""Stand-in values for the variables that a release requires, so that a trial can boot it without real ones."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping

from relbuild.mix.environment import COMMAND, Contract, Use, Variable, lacks, undecided

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
