"""The environment contract for people: a table, and an example env file."""

from __future__ import annotations

from typing import Any

from relbuild.mix.environment import Contract, Variable, data_of, describe
from relbuild.release.envfile import quoted
from relbuild.values import dataclass

_TITLES = (("required", "required"), ("conditional", "required under a condition"), ("optional", "optional"))


@dataclass(frozen=True, slots=True)
class Required:
    """What a release needs of its environment."""

    contract: Contract
    exit_code: int = 0

    def text(self) -> str:
        if self.contract.empty:
            return "no environment variable is read"
        names = [variable.name for variable in self.contract.variables]
        places = [_place(variable) for variable in self.contract.variables]
        widths = max(map(len, names), default=0), max(map(len, places), default=0)
        blocks = []
        for kind, title in _TITLES:
            rows = [_row(variable, *widths) for variable in self.contract.variables if variable.kind == kind]
            if rows:
                blocks.append("\n".join((title, *rows)))
        if self.contract.unknown:
            rows = [f"  {each.what}: {each.reason} ({each.at.brief})" for each in self.contract.unknown]
            blocks.append("\n".join(("could not be told without running it", *rows)))
        return "\n\n".join(blocks)

    def data(self) -> dict[str, Any]:
        return data_of(self.contract)


@dataclass(frozen=True, slots=True)
class Checked:
    """An env file that has all that is needed."""

    file: str
    required: int
    undecided: tuple[str, ...] = ()
    """What it lacks, and only the running system knows whether that is needed."""
    exit_code: int = 0

    def text(self) -> str:
        return f"{self.file} has all that is required ({self.required})"

    def data(self) -> dict[str, Any]:
        return {"file": self.file, "required": self.required, "undecided": list(self.undecided)}


def _row(variable: Variable, name_width: int, place_width: int) -> str:
    return f"  {variable.name:<{name_width}}  {_place(variable):<{place_width}}  {_said(variable)}".rstrip()


def _said(variable: Variable) -> str:
    """Return the most that is to be said of a variable in one line."""
    needed = variable.requirement
    if needed is None:
        if variable.default is None:
            return ""
        return variable.shown_default or ("" if variable.secret else f"default: {variable.default.text}")
    message = (needed.message or "").partition("\n")[0]
    if needed.unconditional:
        return message
    return f"when {describe(needed.when)}" + (f": {message}" if message else "")


def _place(variable: Variable) -> str:
    return (variable.requirement or variable).at.brief


def example_of(contract: Contract) -> str:
    """Return an env file that names every variable: the required ones to be filled in, the others commented out."""
    blocks = [_block(variable) for variable in contract.variables]
    return "\n".join(blocks) if blocks else "# The release reads no environment variable.\n"


def _block(variable: Variable) -> str:
    needed = variable.requirement
    lines = (needed.message or "").splitlines() if needed is not None else []
    if needed is None:
        said = "Optional"
    else:
        said = "Required" if needed.unconditional else f"Required when {describe(needed.when)}"
    default = variable.default
    if default is not None and not default.literal and not variable.secret:
        said += f"; default: {' '.join(default.text.split())}"
    comments = [f"{said} ({_place(variable)})", *lines]
    value = quoted(variable.shown_default or "")
    off = "" if variable.kind == "required" else "#"
    return "".join(f"# {line}".rstrip() + "\n" for line in comments) + f"{off}{variable.name}={value}\n"
