"""The environment contract for people: a table, and an example env file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relbuild.errors import listed
from relbuild.facts import Unknown
from relbuild.mix.environment import Contract, Kind, Requirement, Variable, data_of, describe, more_data
from relbuild.release.envfile import quoted
from relbuild.result import Content, TextTable

_TITLES: tuple[tuple[Kind, str], ...] = (
    ("required", "required"),
    ("conditional", "required under a condition"),
    ("optional", "optional"),
)


@dataclass(frozen=True, slots=True)
class Required:
    """What a release needs of its environment."""

    contract: Contract
    exit_code: int = 0

    def text(self) -> Content:
        if self.contract.empty:
            return "no environment variable is read"
        blocks: list[str | TextTable] = []
        for kind, title in _TITLES:
            if rows := tuple(row for each in self.contract.of(kind) for row in _rows(each)):
                blocks += ["", title, TextTable(rows, indent=2)]
        if more := tuple((more_line(each),) for each in self.contract.possibly_more):
            title = "possibly more" if blocks else "no environment variable is known to be read; possibly more"
            blocks += ["", title, TextTable(more, indent=2)]
        return tuple(blocks[1:])

    def data(self) -> dict[str, Any]:
        return data_of(self.contract)


@dataclass(frozen=True, slots=True)
class Checked:
    """An env file that has all that is known to be required."""

    file: str
    required: int
    undecided: tuple[Variable, ...] = ()
    """Variables that it lacks and that the release needs under a condition which isn't known before it runs."""
    possibly_more: tuple[Unknown, ...] = ()
    """What may need more variables and isn't followed."""
    exit_code: int = 0

    def text(self) -> str:
        places = [f"{each.name} ({(each.requirement or each).at.brief})" for each in self.undecided]
        places += [f"{each.what} ({each.at.brief})" for each in self.possibly_more]
        if not places:
            return f"{self.file} has all that is required ({self.required})"
        known = f"{self.file} has all that is known to be required ({self.required})"
        return f"{known}; possibly more: {listed(places)}; relbuild env says why"

    def data(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "required": self.required,
            "undecided": [each.name for each in self.undecided],
            "possibly_more": list(map(more_data, self.possibly_more)),
        }


def more_line(more: Unknown) -> str:
    """Return in one line what may read more, why it isn't followed, and where."""
    return f"{more.what}: {more.reason} ({more.at.brief})"


def _rows(variable: Variable) -> list[tuple[str, str, str]]:
    """Return a variable's name, and a place with what is to be said of it for each way in which it is needed."""
    said = [(each.at.brief, _needed(each)) for each in variable.needs] or [(variable.at.brief, _default(variable))]
    return [("" if i else variable.name, *each) for i, each in enumerate(said)]


def _default(variable: Variable) -> str:
    default = variable.default
    if variable.shown_default is not None:
        return variable.shown_default or "empty"
    return "" if default is None or default.literal or variable.secret else f"default: {default.text}"


def _needed(requirement: Requirement) -> str:
    """Return in one line when a variable is needed, and what its author says of it."""
    message = (requirement.message or "").partition("\n")[0]
    if requirement.unconditional:
        return message
    return f"when {describe(requirement.when)}" + (f": {message}" if message else "")


def example_of(contract: Contract) -> str:
    """Return an env file that names every variable: the required ones to be filled in, the others commented out."""
    blocks = [_block(variable) for variable in contract.variables]
    if contract.possibly_more:
        blocks.append("".join(f"# {line}\n" for line in ("Possibly more:", *map(more_line, contract.possibly_more))))
    return "\n".join(blocks) if blocks else "# The release reads no environment variable.\n"


def _block(variable: Variable) -> str:
    default = variable.default
    instead = ""
    if default is not None and not default.literal and not variable.secret:
        instead = f"; default: {' '.join(default.text.split())}"
    comments = [line for each in variable.needs for line in _comments(each, instead)]
    value = quoted(variable.shown_default or "")
    off = "" if variable.kind == "required" else "#"
    lines = comments or [f"Optional{instead} ({variable.at.brief})"]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines) + f"{off}{variable.name}={value}\n"


def _comments(requirement: Requirement, instead: str) -> list[str]:
    when = "" if requirement.unconditional else f" when {describe(requirement.when)}"
    return [f"Required{when}{instead} ({requirement.at.brief})", *(requirement.message or "").splitlines()]
