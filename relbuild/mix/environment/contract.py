"""The environment a release requires: its variables, when each is needed, and what an environment lacks of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from relbuild.errors import Mark
from relbuild.facts import Unknown
from relbuild.mix.environment import conditions
from relbuild.mix.environment.conditions import ALWAYS, NEVER, Condition, OneOf, evaluate

if TYPE_CHECKING:
    from relbuild.mix.environment.config_calls import ConfigCall


# The form of `data`; a reader leaves what has another alone.
VERSION = 1
# What bin/NAME was called with: runtime.exs may ask for it, and it is known before the boot.
COMMAND = "RELEASE_COMMAND"
# A name with one of these in it is a secret's, and what stands in for it when it isn't set may be one.
_SECRETS = ("SECRET", "PASS", "TOKEN", "KEY", "SALT", "COOKIE", "CREDENTIAL", "PRIVATE", "AUTH", "DSN")
_LONGEST_DEFAULT = 100
_LONGEST_MESSAGE = 2000

# The release's own variables as an ordinary start has them.
_ORDINARY = {COMMAND: "start", "RELEASE_DISTRIBUTION": None, "RELEASE_NODE": None}

Kind = Literal["required", "conditional", "optional"]


@dataclass(frozen=True, slots=True)
class Default:
    """What stands in for a variable that isn't set: a text, or (`literal` is false) an expression as it is written."""

    text: str
    literal: bool = True


UseKind = Literal[
    "integer", "float", "boolean", "choice", "atom", "module",
    "url", "dsn", "host", "ip", "email", "path", "file",
    "secret", "base64", "hex", "json", "version", "date", "datetime",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """What the value of a variable is used for: a kind, with the values it is compared with or what else is known.

    `values` are those of a choice or boolean, `bytes` the least length of a secret or of what is encoded, `scheme` a
    URL's.
    """

    kind: UseKind
    values: tuple[str, ...] = ()
    bytes: int | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """The boot fails when `fails` holds of the variable, as long as `when` does; the message is the author's."""

    fails: OneOf
    when: Condition
    at: Mark
    message: str | None = None

    @property
    def unconditional(self) -> bool:
        """Whether it is needed whatever else is set."""
        return self.when == ALWAYS

    @property
    def at_start(self) -> bool:
        """Whether an ordinary `bin/NAME start` needs it, whatever else is set."""
        when = self.when
        for name, value in _ORDINARY.items():
            when = conditions.given(when, name, value)
        return when == ALWAYS


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that the release reads when it boots, and where."""

    name: str
    at: Mark
    default: Default | None = None
    requirements: tuple[Requirement, ...] = ()
    use: Use | None = None

    @property
    def kind(self) -> Kind:
        """Whether an ordinary start needs it, something needs it under a condition, or nothing does."""
        if any(each.at_start for each in self.requirements):
            return "required"
        return "conditional" if self.requirements else "optional"

    @property
    def requirement(self) -> Requirement | None:
        """The requirement that tells most: the unconditional one, else the first."""
        first = next(iter(self.requirements), None)
        return next((each for each in self.requirements if each.unconditional), first)

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """The requirements that a reader is told: beside an unconditional one only what asks for more than it does."""
        always = self.requirement
        if always is None or not always.unconditional:
            return self.requirements
        accepted = conditions.negation(always.fails)
        more = (each for each in self.requirements if conditions.every((each.fails, accepted)) != NEVER)
        return (always, *more)

    @property
    def secret(self) -> bool:
        """Whether its name is a secret's."""
        return any(word in self.name.upper() for word in _SECRETS)

    @property
    def shown_default(self) -> str | None:
        """The default, where it is a literal that can hold no secret."""
        default = self.default
        if default is None or not default.literal or self.secret or len(default.text) > _LONGEST_DEFAULT:
            return None
        return None if "://" in default.text and "@" in default.text else default.text


@dataclass(frozen=True, slots=True)
class Contract:
    """The variables of a release in the order of their kind and name.

    `possibly_more` is what may read or require others and isn't followed: "none" is true only where it is empty.
    `config_calls` are what its files configure, `exported` the variables that env.sh sets: no label has them.
    """

    variables: tuple[Variable, ...] = ()
    possibly_more: tuple[Unknown, ...] = ()
    config_calls: tuple[ConfigCall, ...] = field(default=(), compare=False, repr=False)
    exported: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def of(self, kind: Kind) -> tuple[Variable, ...]:
        """Return the variables of a kind."""
        return tuple(variable for variable in self.variables if variable.kind == kind)

    @property
    def empty(self) -> bool:
        """Whether it says nothing at all."""
        return not (self.variables or self.possibly_more)


@dataclass(frozen=True, slots=True)
class Lack:
    """A variable that an environment lacks, or has with a value that doesn't do (`value` is then not None)."""

    variable: Variable
    requirement: Requirement
    value: str | None

    @property
    def text(self) -> str:
        """What is wrong, in words; never the value, which may be a secret."""
        if self.value is None:
            found = f"{self.variable.name} is not set"
        else:
            found = f"{self.variable.name} is {'empty' if not self.value else 'set to what is not accepted'}"
        when = self.requirement.when
        return found if when == ALWAYS else f"{found}; it is needed when {conditions.describe(when)}"


def lacks(contract: Contract, environment: Mapping[str, str]) -> tuple[Lack, ...]:
    """Return what surely makes the boot fail in that environment, one for a variable.

    What only the running system can tell is given the benefit of the doubt.
    """
    found = []
    for variable in contract.variables:
        value = environment.get(variable.name)
        for each in sorted(variable.requirements, key=lambda each: not each.unconditional):
            if each.fails.holds(value) and evaluate(each.when, environment) is True:
                found.append(Lack(variable, each, value))
                break
    return tuple(found)


def undecided(contract: Contract, environment: Mapping[str, str]) -> tuple[Variable, ...]:
    """Return the variables that the environment lacks, and only the running system knows if they are needed."""
    return tuple(
        variable
        for variable in contract.variables
        if any(
            each.fails.holds(environment.get(variable.name)) and evaluate(each.when, environment) is None
            for each in variable.requirements
        )
    )


def ordered(variables: Iterable[Variable]) -> tuple[Variable, ...]:
    """Return the variables as people look for them: the required first, each kind by name."""
    kinds: tuple[Kind, ...] = ("required", "conditional", "optional")
    return tuple(sorted(variables, key=lambda variable: (kinds.index(variable.kind), variable.name)))


def joined(*contracts: Contract) -> Contract:
    """Return several contracts as one: what any of them requires is required."""
    variables: dict[str, Variable] = {}
    for each in (variable for contract in contracts for variable in contract.variables):
        known = variables.get(each.name)
        if known is not None:
            requirements = tuple(dict.fromkeys((*known.requirements, *each.requirements)))
            default, use = known.default or each.default, known.use or each.use
            each = replace(known, default=default, requirements=requirements, use=use)
        variables[each.name] = each
    more = dict.fromkeys(each for contract in contracts for each in contract.possibly_more)
    calls = tuple(call for contract in contracts for call in contract.config_calls)
    exported = frozenset().union(*(contract.exported for contract in contracts))
    return Contract(ordered(variables.values()), tuple(more), calls, exported)


def data_of(contract: Contract) -> dict[str, Any]:
    """Return the contract as JSON takes it, without a default that may be a secret."""
    data: dict[str, Any] = {"version": VERSION, "variables": [_variable(each) for each in contract.variables]}
    if contract.possibly_more:
        data["possibly_more"] = list(map(more_data, contract.possibly_more))
    return data


def more_data(more: Unknown) -> dict[str, str]:
    """Return an entry of what may read more as JSON takes it."""
    return {"what": more.what, "reason": more.reason, "at": more.at.brief}


def _variable(variable: Variable) -> dict[str, Any]:
    data: dict[str, Any] = {"name": variable.name, "kind": variable.kind, "at": variable.at.brief}
    if variable.shown_default is not None:
        data["default"] = variable.shown_default
    if variable.use is not None:
        data["use"] = _use(replace(variable.use, values=()) if variable.secret else variable.use)
    if variable.requirements:
        data["requirements"] = [_requirement(each) for each in variable.requirements]
    return data


def _use(use: Use) -> dict[str, Any]:
    given = {"values": list(use.values), "bytes": use.bytes, "scheme": use.scheme}
    return {"kind": use.kind} | {name: value for name, value in given.items() if value}


def _requirement(requirement: Requirement) -> dict[str, Any]:
    data: dict[str, Any] = {"fails": conditions.condition_to_data(requirement.fails), "at": requirement.at.brief}
    if not requirement.unconditional:
        data["when"] = conditions.condition_to_data(requirement.when)
        data["condition"] = conditions.describe(requirement.when)
    if requirement.message:
        data["message"] = requirement.message[:_LONGEST_MESSAGE]
    return data


def to_label(contract: Contract) -> str:
    """Return the contract as an image's label carries it."""
    label = json.dumps(data_of(contract), ensure_ascii=False, separators=(",", ":"))
    # Without a single quote it can stand between two, where Dockerfile's syntax leaves all else alone.
    return label.replace("'", "\\u0027")


def from_label(label: str) -> Contract | None:
    """Return the contract that a label carries; None where it isn't one this relbuild can read."""
    try:
        data = json.loads(label)
        if data["version"] != VERSION:
            return None
        variables = tuple(_variable_of(each) for each in data["variables"])
        more = tuple(Unknown(each["what"], each["reason"], _mark(each["at"])) for each in data.get("possibly_more", ()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Contract(variables, more)


def _variable_of(data: Any) -> Variable:
    default = data.get("default")
    requirements = tuple(_requirement_of(data["name"], each) for each in data.get("requirements", ()))
    found = tuple(each for each in requirements if each is not None)
    default = None if default is None else Default(str(default))
    return Variable(str(data["name"]), _mark(data["at"]), default, found, _use_of(data.get("use")))


def _use_of(data: Any) -> Use | None:
    """Return the use that `_use` wrote; None for a kind that this relbuild doesn't know."""
    if data is None or data["kind"] not in get_args(UseKind):
        return None
    size, scheme = data.get("bytes"), data.get("scheme")
    values = tuple(str(value) for value in data.get("values", ()))
    return Use(data["kind"], values, None if size is None else int(size), None if scheme is None else str(scheme))


def _requirement_of(name: str, data: Any) -> Requirement | None:
    fails = conditions.condition_from_data(data["fails"])
    if not isinstance(fails, OneOf) or fails.variable != name:
        return None
    when = conditions.condition_from_data(data["when"]) if "when" in data else ALWAYS
    message = data.get("message")
    return Requirement(fails, when, _mark(data["at"]), None if message is None else str(message))


def _mark(place: str) -> Mark:
    file, _, line = place.rpartition(":")
    return Mark(file, int(line))
