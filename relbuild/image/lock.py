"""relbuild.lock: the images a build starts from, by digest, so that the same project makes the same image tomorrow."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from relbuild.errors import Mark, Problem, ProjectError
from relbuild.image.reference import Reference

FILE = "relbuild.lock"
ROLES = ("builder", "runner")
RENEW = "relbuild lock writes it anew"

_HEADER = """\
# The images that relbuild builds on, each with its digest and the platforms it has. Commit this file.
# `relbuild lock` renews it; `relbuild lock --check` tells what has moved since.
"""
_IMAGE = re.compile(r"(?P<image>[a-zA-Z0-9][a-zA-Z0-9._:/\[\]-]*)@(?P<digest>sha256:[0-9a-f]{64})", re.ASCII)
PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Locked:
    """One image: its name, without a mirror, its digest, and the platforms that it has (none where not known)."""

    image: str
    digest: str
    platforms: tuple[str, ...]
    at: Mark

    @property
    def reference(self) -> str:
        """The image's name with its digest."""
        return f"{self.image}@{self.digest}"

    def is_of(self, image: str) -> bool:
        """Tell whether it is what is locked of an image's name, which may have a digest of its own."""
        wanted = Reference.parse(image)
        return self.image == str(replace(wanted, digest=None)) and wanted.digest in (None, self.digest)


@dataclass(frozen=True, slots=True)
class Lock:
    """The images of the builder and of the runner."""

    builder: Locked
    runner: Locked

    def render(self) -> str:
        """Return the file's text."""
        lines = [
            f"{role:<8}{locked.reference} {','.join(locked.platforms)}".rstrip()
            for role, locked in zip(ROLES, (self.builder, self.runner), strict=True)
        ]
        return _HEADER + "".join(f"{line}\n" for line in lines)


def parse(data: bytes, file: str = FILE) -> Lock:
    """Return what the file says; raise ProjectError with every problem at its line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = Mark(file, data.count(b"\n", 0, error.start) + 1)
        raise ProjectError(f"{file} is not UTF-8", at=at, hint=RENEW) from error
    found: dict[str, Locked] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        words = [(match[0], Mark(file, number, match.start() + 1)) for match in re.finditer(r"\S+", line)]
        if not words or words[0][0].startswith("#"):
            continue
        role, at = words[0]
        if role not in ROLES:
            problems.append(Problem(f"{_shown(role)} is neither builder nor runner", at, RENEW))
        elif role in found:
            problems.append(Problem(f"{role} is given twice, first on line {found[role].at.line}", at, RENEW))
        else:
            entry = _entry(words[1:], at)
            problems += [entry] if isinstance(entry, Problem) else []
            found |= {} if isinstance(entry, Problem) else {role: entry}
    if not problems:
        problems = [Problem(f"{file} has no {role}", Mark(file, 1), RENEW) for role in ROLES if role not in found]
    if problems:
        raise ProjectError.of(problems)
    return Lock(found["builder"], found["runner"])


def _entry(words: list[tuple[str, Mark]], role_at: Mark) -> Locked | Problem:
    if not words:
        return Problem("an image with its digest should follow", role_at, RENEW)
    text, at = words[0]
    image = _IMAGE.fullmatch(text)
    if not image:
        return Problem(f"should be an image with its digest (NAME:TAG@sha256:…), is {_shown(text)}", at, RENEW)
    platforms = words[1][0].split(",") if len(words) > 1 else []
    if any(not PLATFORM.fullmatch(platform) for platform in platforms):
        return Problem(
            f"should be platforms such as linux/amd64,linux/arm64, is {_shown(words[1][0])}", words[1][1], RENEW
        )
    if len(words) > 2:
        return Problem(f"{_shown(words[2][0])} is too much in this line", words[2][1], RENEW)
    return Locked(image["image"], image["digest"], tuple(platforms), at)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
