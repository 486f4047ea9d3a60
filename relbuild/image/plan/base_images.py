"""The images that a build starts from: the toolchain's, as relbuild.lock pins them, at the registry mirror."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from relbuild.config import Config
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.image.reference import Reference
from relbuild.mix.toolchain import Toolchain, resolve_toolchain

LOCK_FILE = "relbuild.lock"
ROLES = ("builder", "runner")
RENEW_LOCK = "relbuild lock writes it again"

_HEADER = """\
# The images that relbuild builds on, each with its digest and the platforms it has. Commit this file.
# `relbuild lock` renews it; `relbuild lock --check` tells what has moved since.
"""
_IMAGE = re.compile(r"(?P<image>[a-zA-Z0-9][a-zA-Z0-9._:/\[\]-]*)@(?P<digest>sha256:[0-9a-f]{64})", re.ASCII)
PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LockedImage:
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
        """Return whether it pins this image, whose name may have a digest of its own."""
        wanted = Reference.parse(image)
        return self.image == str(replace(wanted, digest=None)) and wanted.digest in (None, self.digest)


@dataclass(frozen=True, slots=True)
class ImageLock:
    """The images of the builder and of the runner."""

    builder: LockedImage
    runner: LockedImage

    def render(self) -> str:
        """Return the file's text."""
        lines = [
            f"{role:<8}{locked.reference} {','.join(locked.platforms)}".rstrip()
            for role, locked in zip(ROLES, (self.builder, self.runner), strict=True)
        ]
        return _HEADER + "".join(f"{line}\n" for line in lines)


def parse_image_lock(data: bytes, file: str = LOCK_FILE) -> ImageLock:
    """Return what the file says; raise ProjectError with every problem at its line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = Mark(file, data.count(b"\n", 0, error.start) + 1)
        raise ProjectError(f"{file} is not UTF-8", at=at, hint=RENEW_LOCK) from error
    found: dict[str, LockedImage] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        words = [(match[0], Mark(file, number, match.start() + 1)) for match in re.finditer(r"\S+", line)]
        if not words or words[0][0].startswith("#"):
            continue
        role, at = words[0]
        if role not in ROLES:
            problems.append(Problem(f"{_shown(role)} is neither builder nor runner", at, RENEW_LOCK))
        elif role in found:
            problems.append(Problem(f"{role} is given twice, first on line {found[role].at.line}", at, RENEW_LOCK))
        else:
            entry = _entry(words[1:], at)
            problems += [entry] if isinstance(entry, Problem) else []
            found |= {} if isinstance(entry, Problem) else {role: entry}
    if not problems:
        problems = [Problem(f"{file} has no {role}", Mark(file, 1), RENEW_LOCK) for role in ROLES if role not in found]
    if problems:
        raise ProjectError.of(problems)
    return ImageLock(found["builder"], found["runner"])


def _entry(words: list[tuple[str, Mark]], role_at: Mark) -> LockedImage | Problem:
    if not words:
        return Problem("an image with its digest should follow", role_at, RENEW_LOCK)
    text, at = words[0]
    image = _IMAGE.fullmatch(text)
    if not image:
        return Problem(f"should be an image with its digest (NAME:TAG@sha256:…), is {_shown(text)}", at, RENEW_LOCK)
    platforms = words[1][0].split(",") if len(words) > 1 else []
    if any(not PLATFORM.fullmatch(platform) for platform in platforms):
        return Problem(
            f"should be platforms such as linux/amd64,linux/arm64, is {_shown(words[1][0])}", words[1][1], RENEW_LOCK
        )
    if len(words) > 2:
        return Problem(f"{_shown(words[2][0])} is one word too many in this line", words[2][1], RENEW_LOCK)
    return LockedImage(image["image"], image["digest"], tuple(platforms), at)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


ELIXIR_GIT = "https://github.com/elixir-lang/elixir.git"


@dataclass(frozen=True, slots=True)
class ElixirSource:
    """What Elixir is compiled from, where no image has it: a git repository and a branch, tag or commit of it."""

    repository: str
    ref: str


def resolve_locked_toolchain(
    tree: Tree, config: Config, elixir: tuple[Known[str] | Unknown, ...], lock: ImageLock | None, *, rebar3: bool
) -> Toolchain:
    """Return the toolchain, on the images that relbuild.lock has.

    Raises ProjectError when the project requires other images, and what `resolve_toolchain` raises.
    """
    locked = lock.builder.image if lock else None
    tools = resolve_toolchain(tree, config, elixir, rebar3=rebar3, locked=locked)
    if lock is not None:
        _require_current(lock, tools)
    return tools


def base_image(name: str, config: Config, locked: LockedImage | None) -> str:
    """Return what FROM is given: the image at the mirror, by its digest where relbuild.lock has one."""
    if config.registry_mirror is None and locked is None:
        return name
    return str(Reference.parse(name).at(config.registry_mirror).pinned(locked.digest if locked else None))


def choose_elixir_source(tools: Toolchain, config: Config) -> ElixirSource | None:
    """Return what to compile Elixir from, None where the image or Debian has it."""
    if tools.elixir_git_ref is None:
        return None
    return ElixirSource(config.builder.elixir_git or ELIXIR_GIT, tools.elixir_git_ref)


def _require_current(lock: ImageLock, tools: Toolchain) -> None:
    problems = [
        Problem(
            f"{locked.at.file} is out of date: its {role} is {locked.reference}, the project requires {required}",
            locked.at,
            RENEW_LOCK,
        )
        for role, locked, required in (
            ("builder", lock.builder, tools.builder_image),
            ("runner", lock.runner, tools.runner_image),
        )
        if not locked.is_of(required)
    ]
    if problems:
        raise ProjectError.of(problems)
