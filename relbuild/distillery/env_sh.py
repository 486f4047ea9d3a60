"""rel/env.sh.eex and rel/vm.args.eex of what Distillery's hooks and vm.args did before the start."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from relbuild.distillery import shell
from relbuild.distillery.outcome import Outcome
from relbuild.distillery.rel_config import RelConfig, Setting
from relbuild.distillery.vm_args import VmArgs
from relbuild.errors import Problem, listed

_HEAD = """\
#!/bin/sh
# bin/<%= @release.name %> sources this file, with a plain POSIX sh, before each of its commands.
"""
_VM_HEAD = """\
## Flags of the VM: https://www.erlang.org/doc/man/erl.html
## -mode, -name, -sname and -setcookie come from bin/<%= @release.name %>: not here.
"""


def env_sh(hooks: list[tuple[str, ...]], args: VmArgs) -> str | None:
    """Return rel/env.sh.eex; None where there is nothing for it."""
    blocks = [[_escaped(line) for line in lines] for lines in hooks if lines]
    blocks += [block for block in (list(_node(args)), list(_options(args))) if block]
    return "\n".join((_HEAD, *("".join(f"{line}\n" for line in block) for block in blocks))) if blocks else None


def vm_args(args: VmArgs) -> str:
    """Return rel/vm.args.eex."""
    return "\n".join((_VM_HEAD, *args.lines)).rstrip("\n") + "\n"


def for_all(setting: Setting, config: RelConfig) -> Iterator[Problem]:
    """Yield that what was a vm.args of some releases holds for all of them."""
    if (names := holders(setting, config)) is not None:
        message = f"rel/vm.args.eex and rel/env.sh.eex hold for all releases: this was {listed(names)}'s alone"
        yield Problem(message, setting.at, 'tell releases apart in rel/env.sh.eex by case "$RELEASE_NAME"')


def holders(setting: Setting, config: RelConfig) -> list[str] | None:
    """Return the names of the releases that have a setting; None for all of them."""
    names = [each.name for each in config.releases if each.settings.get(setting.key) == setting]
    return names if len(names) < len(config.releases) else None


def guarded(lines: tuple[str, ...], names: list[str] | None) -> tuple[str, ...]:
    """Return lines that are carried out for some releases alone, None for all."""
    # As they are: a text or a here-document over several lines isn't to be indented.
    if not names or not lines:
        return lines
    return (f'case "$RELEASE_NAME" in {" | ".join(map(shlex.quote, names))})', *lines, ";;", "esac")


def _escaped(line: str) -> str:
    return line.replace("<%", "<%%")


def _node(args: VmArgs) -> Iterator[str]:
    if args.cookie is not None:
        yield f'export RELEASE_COOKIE="{args.cookie}"'
    if args.distribution is not None and args.node is not None:
        yield f"export RELEASE_DISTRIBUTION={args.distribution}"
        yield f'export RELEASE_NODE="{args.node}"'


def _options(args: VmArgs) -> Iterator[str]:
    if not args.options:
        return
    yield "# Not for the other commands, whose VM runs beside that of the system."
    yield 'case "$RELEASE_COMMAND" in'
    yield "  start* | daemon*)"
    for option in args.options:
        yield f'    export ELIXIR_ERL_OPTIONS="${{ELIXIR_ERL_OPTIONS:-}} {option}"'
    yield "    ;;"
    yield "esac"


# Of 1.x a file, of 2.x a directory of files.
_MOVED = ("pre_configure_hook", "pre_configure_hooks")
_START = 'in rel/env.sh.eex, within `case "$RELEASE_COMMAND" in start*|daemon*) … ;; esac`, for a plain sh'
_PLACES = {
    "post_configure": _START,
    "pre_start": _START,
    "post_start": "in the application's start/2, or a Task at the end of its supervision tree",
    "pre_stop": "in the application's prep_stop/1",
    "post_stop": "in the application's stop/1",
    "pre_upgrade": "nowhere: a release of Mix's isn't upgraded while it runs, a new container takes its place",
    "post_upgrade": "nowhere: a release of Mix's isn't upgraded while it runs, a new container takes its place",
}


def move_hooks(outcome: Outcome, config: RelConfig) -> list[tuple[str, ...]]:
    """Return the lines that hooks give to env.sh, each hook's; let those go that are moved whole."""
    found = []
    for setting in config.settings:
        if setting.key in _MOVED:
            names = holders(setting, config)
            found += [guarded(lines, names) for lines in _moved_hook(outcome, setting)]
        elif (event := setting.key.removesuffix("s").removesuffix("_hook")) in _PLACES:
            place = f": {setting.text}" if setting.text else ""
            outcome.look.append(
                Problem(
                    f"mix release runs no {event} hook{place}", setting.at, f"what it does belongs {_PLACES[event]}"
                )
            )
    return found


def _moved_hook(outcome: Outcome, setting: Setting) -> list[tuple[str, ...]]:
    path = setting.path
    if path is None:
        hint = "write what it does into rel/env.sh.eex"
        outcome.look.append(Problem(f"{setting.key} can't be read without running Elixir", setting.at, hint))
        return []
    names = [name for name in outcome.tree.list(path) if not name.endswith("/")]
    found = []
    for file in [f"{path}/{name}" for name in names] or [path]:
        content = outcome.read(file)
        if content is None:
            if outcome.absent(file):
                outcome.look.append(Problem(f"{setting.key} names {file}, which isn't there", setting.at))
            continue
        script = shell.moved(file, content)
        outcome.notes(script.look)
        if script.lines is not None:
            found.append(script.lines)
            outcome.remove(file)
        if script.secret:
            outcome.secrets.add(file)
    return found
