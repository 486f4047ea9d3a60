"""Shell completion of places, images and targets, from what the engine has and relbuild.yml names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING

from typer import Context

if TYPE_CHECKING:
    from relbuild.commands.session import Session

# The variable by which the shell's completion script calls relbuild (typer).
REQUEST = "_RELBUILD_COMPLETE"
# What stands before the last colon of the word that is completed, in bash.
PREFIX = "_RELBUILD_PREFIX"


def images(ctx: Context, incomplete: str) -> list[str]:
    """Return the names of the engine's images."""
    return _matches(incomplete, lambda: _image_names(ctx))


def targets(ctx: Context, incomplete: str) -> list[str]:
    """Return the targets of relbuild.yml."""
    return _matches(incomplete, lambda: _session(ctx).config().targets)


def places(ctx: Context, incomplete: str) -> list[str]:
    """Return the targets, containers, services and images, as ``--on`` names them."""
    return _matches(
        incomplete,
        lambda: _session(ctx).config().targets,
        lambda: (f"container:{each.name}" for each in _session(ctx).engine.containers()),
        lambda: (f"service:{each.name}" for each in _session(ctx).engine.services()),
        lambda: (f"image:{name}" for name in _image_names(ctx)),
        lambda: ("pod:", "deployment:"),
    )


def join_words(environment: MutableMapping[str, str]) -> None:
    """Undo that bash cuts words at colons: ``container:we`` is completed as a whole, given as ``we`` and its prefix."""
    if environment.get(REQUEST) != "complete_bash":
        return
    joined = [""]
    for word in environment["COMP_WORDS"].split("\n")[: int(environment["COMP_CWORD"]) + 1]:
        if word == ":" or joined[-1].endswith(":"):
            joined[-1] += word
        else:
            joined.append(word)
    before, colon, last = joined[-1].rpartition(":")
    environment[PREFIX] = before + colon
    environment["COMP_WORDS"] = "\n".join((*joined[1:-1], last))
    environment["COMP_CWORD"] = str(len(joined) - 2)


def _matches(incomplete: str, *sources: Callable[[], Iterable[str]]) -> list[str]:
    """Return what the sources have that begins so; a source that fails, as an engine that is down, has nothing."""
    prefix = os.environ.get(PREFIX, "")
    found: list[str] = []
    for source in sources:
        with suppress(Exception):
            found += [each.removeprefix(prefix) for each in source() if each.startswith(prefix + incomplete)]
    return list(dict.fromkeys(found))


def _session(ctx: Context) -> Session:
    from relbuild.cli.verb import make_session

    given = {name: value for name in ("directory", "config", "context", "host") if (value := ctx.params.get(name))}
    session, _ = make_session(**given)
    return session


def _image_names(ctx: Context) -> Iterator[str]:
    return (name for image in _session(ctx).engine.images() for name in image.tags)
