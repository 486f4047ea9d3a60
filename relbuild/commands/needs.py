"""What a container must be given, told before it starts: the contract of an image against what it will get."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from relbuild.commands.around import Around
from relbuild.errors import CommandFailed, Mark, Problem
from relbuild.mix.environment import COMMAND, Lack, from_label, lacks

if TYPE_CHECKING:
    from relbuild.commands.place import ReleaseImage


def require(image: ReleaseImage, around: Around, command: str, options: Iterable[str] = ()) -> None:
    """Raise CommandFailed with everything that a command of the release surely lacks in a container of the image.

    Nothing is raised for an image without a contract, and where ``--no-env-check`` was given. ``options`` are docker's
    own; an env file among them is docker's to read, so that what the container gets isn't known.
    """
    contract = from_label(image.environment) if image.environment is not None else None
    added = _from_docker(options)
    if contract is None or added is None or not around.checked:
        return
    before = dict(each.partition("=")[::2] for each in image.env)
    given = {**image.facts.env, **before, **around.variables, **added, COMMAND: command}
    found = lacks(contract, given)
    if found:
        *rest, last = [problem(each) for each in found]
        hints = (last.hint, "give it by --env or --env-file; --no-env-check starts without it")
        raise CommandFailed.of((*rest, replace(last, hint="\n".join(hint for hint in hints if hint))))


def problem(lack: Lack, hint: str | None = None, at: Mark | None = None) -> Problem:
    """Return what to say of a lack: where the need is written, and what its author says to do."""
    where = lack.requirement.at
    return Problem(f"{lack.text} ({where.brief})", at, lack.requirement.message or hint)


def _from_docker(options: Iterable[str]) -> dict[str, str] | None:
    """Return the variables among docker's own options; None when there is an env file among them."""
    found: dict[str, str] = {}
    words = iter(options)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--env-file":
            return None
        if name in ("--env", "-e"):
            given = value if equals else next(words, "")
        elif word.startswith("-e") and not word.startswith("--"):
            given = word[2:]
        else:
            continue
        variable, equals, value = given.partition("=")
        if equals or variable in os.environ:
            found[variable] = value if equals else os.environ[variable]
    return found
