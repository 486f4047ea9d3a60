"""What a mix.exs finds around it when the image is built: environment variables, and no git repository."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tree_sitter import Node

from relbuild.elixir import control
from relbuild.elixir.coerce import Undecided, charlist, exactly
from relbuild.elixir.syntax import arguments, callee, walk
from relbuild.elixir.values import Atom, List, Term, Tuple
from relbuild.facts import Known, Unknown

if TYPE_CHECKING:
    from relbuild.elixir.evaluate import Evaluator


CALLS = {"System.get_env", "System.fetch_env", "System.fetch_env!", "System.cmd", "System.shell", ":os.cmd"}
"""The functions that read the environment or run a program."""

_FIXED = {"MIX_ENV": "prod", "MIX_TARGET": None}
# Variables of the images, the shell, BuildKit and the build's own steps.
_OF_THE_BUILD = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|HOSTNAME|PWD|OLDPWD|SHLVL|TERM|LANG|LANGUAGE|TZ|TMPDIR|SSH_AUTH_SOCK|"
    r"SOURCE_DATE_EPOCH|DEBIAN_FRONTEND|(?i:(?:HTTP|HTTPS|FTP|NO|ALL)_PROXY)|"
    r"(?:LC|MIX|HEX|ERL|ELIXIR|OTP|REBAR|REBAR3|RELBUILD|BUILDKIT|NODE|NPM|YARN|CARGO|RUSTUP)_.*|REBAR3?"
)
# With an argument they set what they give without one.
_SETTERS = {"Mix.env", "Mix.target"}
# Of git's commands those that read a repository; without one each exits with 128.
_READS_REPOSITORY = {
    "branch", "describe", "diff", "log", "ls-files", "name-rev", "rev-list", "rev-parse", "show", "status",
    "symbolic-ref", "tag",
}  # fmt: skip
_NO_REPOSITORY = 128


class _Builder(Protocol):
    @property
    def image(self) -> str | None: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def secrets(self) -> tuple[str, ...]: ...


class _Settings(Protocol):
    @property
    def toolchain(self) -> str: ...
    @property
    def builder(self) -> _Builder: ...


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """The environment variables of the build, as relbuild.yml sets them; every other variable is unset.

    `secrets` are set too, to values that only the build has. With an image of the user's own (`own_image`) any other
    variable may be set as well.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    own_image: bool = False

    @classmethod
    def of(cls, config: _Settings) -> BuildEnvironment:
        """Return the environment that relbuild.yml sets."""
        builder = config.builder
        own_image = config.toolchain == "image" or builder.image is not None
        return cls(builder.env, frozenset(builder.secrets), own_image)

    def value(self, name: str) -> str | None:
        """Return a variable's value, None where it is unset; raise Undecided where only the build knows."""
        if name in _FIXED:
            return _FIXED[name]
        if name in self.secrets:
            raise Undecided(f"only the build has the value of the secret {name}")
        if name in self.variables:
            return self.variables[name]
        if self.own_image or _OF_THE_BUILD.fullmatch(name):
            raise Undecided(f"only the build has the value of {name}")
        return None


def call_system(on: Evaluator, name: str, args: list[Term], at: Node) -> Term:
    """Return what one of CALLS gives in the build; raise Undecided where only the build knows."""
    if name in ("System.cmd", "System.shell", ":os.cmd"):
        return _program(on, name, args, at)
    given = args[0].value if args and isinstance(args[0], Known) else None
    if not isinstance(given, str):
        raise Undecided(f"which variable {name} reads isn't known")
    if on.environment is None or b"put_env" in on.source.content:
        raise Undecided(f"{name}({given}) is known only when it runs")
    value = on.environment.value(given)
    if name == "System.get_env":
        return args[1] if value is None and len(args) > 1 else on.known(at, value)
    if value is None and name == "System.fetch_env!":
        raise Undecided(f"{name}({given}) raises, as the build doesn't have {given}: set it in builder.env")
    if name == "System.fetch_env!":
        return on.known(at, value)
    if value is None:
        return on.known(at, Atom("error"))
    return on.known(at, Tuple((on.known(at, Atom("ok")), on.known(at, value))))


def _program(on: Evaluator, name: str, args: list[Term], at: Node) -> Term:
    words = _words(name, args) or []
    written = f"{name}({' '.join(words)})"
    if on.environment is not None and words[:1] == ["git"] and not _READS_REPOSITORY.isdisjoint(words[1:]):
        on.git.append(on.source.mark(at))
        if name != ":os.cmd":
            printed = Unknown("git's output", "the build has no git repository", on.source.mark(at))
            return on.known(at, Tuple((printed, on.known(at, _NO_REPOSITORY))))
    raise Undecided(f"{written if words else name} is known only when it runs")


def _words(name: str, args: list[Term]) -> list[str] | None:
    """Return the words of a command that a call runs without any syntax of the shell; None where they aren't known."""
    values = [each.value if isinstance(each, Known) else None for each in args]
    first = values[0] if values else None
    if isinstance(first, List):
        first = charlist(first)
    if not isinstance(first, str):
        return None
    if name == "System.cmd":
        rest = [each.value if isinstance(each, Known) else None for each in exactly(args[1])] if len(args) > 1 else []
        return [first, *(each for each in rest if isinstance(each, str))]
    if re.search(r"[|&;<>$`()\n]", first):
        return None
    try:
        return shlex.split(first)
    except ValueError:
        return None


def require_unset(on: Evaluator, name: str, args: list[Term]) -> None:
    """Raise Undecided for Mix.env/0 and Mix.target/0 in a file that sets what they give."""
    if name not in _SETTERS or args or f"{name}(:".encode() not in on.source.content:
        return
    for node in walk(on.source.root):
        target = node.child_by_field_name("target") if node.type == "call" else None
        if target is not None and on.source.text(target) == name and arguments(node) and not _is_conditional(node):
            raise Undecided(f"the file sets it with {name}/1")


def _is_conditional(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type != "stab_clause" and callee(around) not in control.SPECIAL:
        around = around.parent
    return around is not None
