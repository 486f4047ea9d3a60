"""What a person is told about the configuration: names of variables and keys, never a value."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from relbuild.convert.config_calls import Setting
from relbuild.convert.config_values import named
from relbuild.errors import Mark, Problem, listed
from relbuild.mix.source import Source, parts, walk

_EXPLAINED = "it was text with Distillery too; put String.to_integer(…) around it where a number is wanted"


def stays(setting: Setting, why: str) -> Problem:
    """Return the problem for a value that a person has to move."""
    source = setting.call.source
    names = named(source, setting.value)
    fetched = listed([f'System.fetch_env!("{name}")' for name in names if name]) or "System.fetch_env!(…)"
    return Problem(
        f"{_variables(names)} stays in {_key(setting)}: {why}",
        source.mark(setting.place),
        f"write in config/runtime.exs, with {fetched}: {_line(setting, '…')}",
    )


def too_early(setting: Setting) -> Problem:
    """Return the problem for a setting of Erlang's kernel."""
    source = setting.call.source
    names = [name for name in named(source, setting.value) if name]
    key = setting.path[-1] if len(setting.path) > 1 else "KEY"
    value = f"${names[0]}" if names else "…"
    return Problem(
        f"{_variables(names)} stays in {_key(setting)}: the kernel reads it before config/runtime.exs is read",
        source.mark(setting.place),
        f'write in rel/env.sh.eex: export ELIXIR_ERL_OPTIONS="$ELIXIR_ERL_OPTIONS -kernel {key} {value}"; '
        "or have the release's options say reboot_system_after_config: true",
    )


def overridden(setting: Setting, by: Setting) -> Problem:
    """Return the problem for a value that is gone because a later one takes its place."""
    source = setting.call.source
    return Problem(
        f"{_variables(named(source, setting.value))} is not read for {_key(setting)}: "
        f"{by.call.source.mark(by.place).brief} sets it after that",
        source.mark(setting.place),
        "take it away there if the environment was meant to say it",
    )


def number(setting: Setting) -> Problem | None:
    """Return the hint for a key that usually has a number, None for other keys."""
    name = setting.path[-1]
    if name not in ("port", "pool_size") and not name.startswith("inet_") and not name.endswith("_port"):
        return None
    source = setting.call.source
    variables = _variables(named(source, setting.value))
    return Problem(f"{_key(setting)} is the text of {variables}", source.mark(setting.place), _EXPLAINED)


def compiled_in(setting: Setting) -> Problem | None:
    """Return the problem for a key that Logger's macros read, None for other keys."""
    if setting.path[0] != "logger" or not setting.path[-1].startswith("compile_time_"):
        return None
    source = setting.call.source
    return Problem(
        f"{_variables(named(source, setting.value))} stays in {_key(setting)}: Logger reads it while the code is "
        "compiled, when nothing of the environment is known",
        source.mark(setting.place),
        "write its value there, or set `level` in config/runtime.exs instead",
    )


def elsewhere(source: Source, node: Node) -> Problem:
    """Return the problem for a variable that stands in no `config` call that could be read."""
    return Problem(
        f"{_variables(named(source, node))} stays: it stands in no value of a plain `config` call",
        source.mark(node),
        "set what is made of it in config/runtime.exs, with System.fetch_env!(…)",
    )


def unread(source: Source, node: Node) -> Problem:
    """Return the problem for an import of files that can't be told."""
    return Problem(
        "which files it imports can't be told, so nothing was moved out of them",
        source.mark(node),
        "look there for ${…}, and write in config/runtime.exs what they set by it",
    )


def system_tuples(settings: Iterable[Setting]) -> list[Problem]:
    """Return a problem for each file with ``{:system, "VAR"}`` in its settings, at the first of them."""
    found: dict[str, list[tuple[Mark, str]]] = {}
    for setting in settings:
        source = setting.call.source
        for node in walk(setting.value):
            if (name := _system(source, node)) is not None:
                found.setdefault(source.file, []).append((source.mark(node), name))
    hint = (
        'where it is none, write in config/runtime.exs what the same keys have, with System.get_env("NAME") '
        "in place of the tuple"
    )
    return [
        Problem(
            f"{{:system, …}} is read by the library that knows such a tuple, or by none: {_listed(each)}",
            min(each)[0],
            hint,
        )
        for each in found.values()
    ]


def _system(source: Source, node: Node) -> str | None:
    """Return the variable that a ``{:system, "VAR"}`` names; None for other values."""
    inside = parts(node) if node.type == "tuple" else []
    if len(inside) not in (2, 3, 4) or source.text(inside[0]) != ":system":
        return None
    # `{:system, :integer, "PORT"}` is Confex's.
    at = 2 if len(inside) > 2 and inside[1].type == "atom" else 1
    name = source.text(inside[at])[1:-1] if inside[at].type == "string" else ""
    return name if name.isidentifier() else None


def _listed(found: list[tuple[Mark, str]]) -> str:
    return listed(list(dict.fromkeys(name for _, name in sorted(found))), 5)


def _variables(names: list[str]) -> str:
    return listed([f"${{{name}}}" for name in names if name]) or "${…}"


def _key(setting: Setting) -> str:
    names = [name.removeprefix("Elixir.") for name in setting.path[1:]]
    return f":{setting.path[0]}" + (f", {', '.join(names)}" if names else "")


def _line(setting: Setting, value: str) -> str:
    """Return the call that sets what a setting sets."""
    if not setting.written:
        return f"{setting.call.head}, {value}"
    *outer, last = setting.written
    return f"{setting.call.head}, {''.join(f'{key} [' for key in outer)}{last} {value}{']' * len(outer)}"
