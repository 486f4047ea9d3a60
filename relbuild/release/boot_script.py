"""A release's boot script ``bin/NAME``: calling it, and finding it in an image without relbuild's labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ROOT = "/app"
# Scripts that Phoenix's templates and others put beside the boot script, and that call it.
WRAPPERS = {"server", "migrate", "seed", "rollback", "start", "console", "entrypoint"}
# A release's name is an atom that Mix takes without quotes: Mix.Tasks.Release.
_PROGRAM = re.compile(r"(?P<root>(?:/[\w.@+-]+)*)/?\bbin/(?P<name>[a-z][a-z0-9_]*)(?![\w./-])")
_SYSTEM = {"/usr", "/usr/local", "/"}


@dataclass(frozen=True, slots=True)
class ReleaseCommand:
    """One call of a release's boot script; ``root`` is the release's directory inside the image."""

    release: str
    verb: str
    args: tuple[str, ...] = ()
    root: str = ROOT

    @property
    def program(self) -> str:
        """The boot script."""
        return f"{self.root}/bin/{self.release}"

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole argv inside the place."""
        return (self.program, self.verb, *self.args)


def release_of_command(words: tuple[str, ...], directory: str) -> tuple[str, str] | None:
    """Return the release's name and root by the image's entrypoint and command; None where they name no boot script.

    ``directory`` is the image's working directory, from which a relative program is found.
    """
    for root, name in _programs(words, directory):
        if name not in WRAPPERS:
            return name, root
    return None


def release_roots(words: tuple[str, ...], directory: str) -> tuple[str, ...]:
    """Return where a release may be: where the command's programs are, the working directory, /app."""
    found = [root for root, _ in _programs(words, directory)]
    return tuple(dict.fromkeys((*found, directory.rstrip("/"), "/app")))


def releases_in(scripts: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the names of the boot scripts of releases among the files of a ``bin`` directory."""
    return tuple(
        sorted(
            name
            for name, content in scripts.items()
            if re.fullmatch(r"[a-z][a-z0-9_]*", name) and b"start_erl.data" in content and b"RELEASE_" in content
        )
    )


def _programs(words: tuple[str, ...], directory: str) -> list[tuple[str, str]]:
    found = []
    for word in words:
        for match in _PROGRAM.finditer(word):
            start = match.start()
            absolute = word[start : start + 1] == "/" and word[max(start - 1, 0)] != "."
            root = match["root"] if absolute else directory.rstrip("/")
            if (root or "/") not in _SYSTEM:
                found.append((root, match["name"]))
    return found
