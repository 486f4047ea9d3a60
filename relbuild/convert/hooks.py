"""Distillery's hooks: what runs before each command goes to env.sh, the others need another place."""

from __future__ import annotations

from relbuild.convert import env_sh, shell
from relbuild.convert.outcome import Outcome
from relbuild.convert.rel_config import RelConfig, Setting
from relbuild.errors import Problem

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


def move(outcome: Outcome, config: RelConfig) -> list[tuple[str, ...]]:
    """Return the lines that hooks give to env.sh, each hook's; let those go that are moved whole."""
    found = []
    for setting in config.settings:
        if setting.key in _MOVED:
            names = env_sh.holders(setting, config)
            found += [env_sh.guarded(lines, names) for lines in _moved(outcome, setting)]
        elif (event := setting.key.removesuffix("s").removesuffix("_hook")) in _PLACES:
            place = f": {setting.text}" if setting.text else ""
            outcome.look.append(
                Problem(
                    f"mix release runs no {event} hook{place}", setting.at, f"what it does belongs {_PLACES[event]}"
                )
            )
    return found


def _moved(outcome: Outcome, setting: Setting) -> list[tuple[str, ...]]:
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
