"""What a project's own files say of Elixir and OTP: .tool-versions, mise, version files, a buildpack's settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from relbuild import facts
from relbuild.elixir.versions import OtpVersion, Version
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Tree
from relbuild.mix.toolchain import version_files

# A release, a release candidate, or the beginning of one.
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6}(?:\.[0-9]{1,6}(?:-rc\.[0-9]{1,3})?)?)?", re.ASCII)
_REF = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,199}", re.ASCII)
_SUFFIX = re.compile(r"(?P<version>.+)-otp-(?P<otp>[0-9]{2})", re.ASCII)
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>elixir_version|erlang_version)=(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pin:
    """One version as it is written somewhere, and where.

    Exactly one of ``version`` (exact, a beginning such as ``1.18``, or "" for the newest there is) and ``ref`` (a git
    ref of Elixir's repository) is given, unless ``passed`` says why the entry names no version at all.
    """

    text: str
    source: str
    at: Mark
    version: str | None = None
    ref: str | None = None
    otp: int | None = None
    passed: str | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """What the project's files say, the first file that says something winning, and what was passed over."""

    elixir: Pin | None
    otp: Pin | None
    notes: tuple[str, ...]


def read_pins(tree: Tree) -> Pins:
    """Return what the project's files say of Elixir and OTP; raise ProjectError where one can't be understood.

    .tool-versions and mise.toml count in the directories above it, too, as asdf and mise have it; a nearer file wins.
    """
    found: dict[str, Pin] = {}
    notes: list[str] = []
    for pin_tool, pin in _all(tree):
        if pin.passed:
            notes.append(f"{pin.source} says {pin.text}: {pin.passed}")
        elif pin_tool not in found:
            found[pin_tool] = pin
        if len(found) == len(_PARSERS):
            break
    return Pins(found.get("elixir"), found.get("erlang"), tuple(notes))


def elixir_pin(text: str, source: str, at: Mark) -> Pin:
    """Return what an Elixir version as asdf, mise or a buildpack writes it asks for; ProjectError for anything else."""
    kind, _, rest = text.partition(":")
    if kind in ("ref", "branch", "tag", "commit", "rev") and rest:
        return _ref_pin(text, rest, source, at)
    if passed := _passed(text):
        return Pin(text, source, at, passed=passed)
    suffix = _SUFFIX.fullmatch(text)
    otp = int(suffix["otp"]) if suffix else None
    version = (suffix["version"] if suffix else text).removeprefix("latest:").removeprefix("prefix:").removeprefix("v")
    if version == "latest":
        return Pin(text, source, at, version="", otp=otp)
    if version in ("main", "master"):
        # Elixir's repository has no master any more; its branch is main.
        return Pin(text, source, at, ref="main", otp=otp)
    if _VERSION.fullmatch(version) and (version.count(".") < 2 or Version.parse(version)):
        return Pin(text, source, at, version=version, otp=otp)
    raise ProjectError(
        f"{at.file}: {text!r} is no version of Elixir",
        at=at,
        hint="write one such as 1.18.4, 1.18.4-otp-27 or ref:main",
    )


def otp_pin(text: str, source: str, at: Mark) -> Pin:
    """Return what an OTP version asks for; ProjectError for anything that is none."""
    kind, _, rest = text.partition(":")
    if (kind in ("ref", "branch", "tag", "commit", "rev") and rest) or text.startswith(("maint", "master")):
        return Pin(text, source, at, passed="relbuild takes OTP from images, not from a git ref")
    if passed := _passed(text):
        return Pin(text, source, at, passed=passed)
    version = text.removeprefix("latest:").removeprefix("prefix:")
    if version == "latest":
        return Pin(text, source, at, version="")
    if parsed := OtpVersion.parse(version):
        return Pin(text, source, at, version=str(parsed))
    raise ProjectError(f"{at.file}: {text!r} is no version of OTP", at=at, hint="write one such as 27.3.4 or 27")


def _passed(text: str) -> str | None:
    if text == "system":
        return "no version is named"
    if text.startswith("path:"):
        return "a directory of the machine it was written on"
    if text.startswith("sub-"):
        return "counted from whatever is the newest, which needs an index"
    if "{{" in text or "$" in text:
        return "it is computed when it is read"
    return None


def _ref_pin(text: str, ref: str, source: str, at: Mark) -> Pin:
    # The ref ends up in the Dockerfile: nothing a shell or git would take for something else.
    if not _REF.fullmatch(ref) or ".." in ref:
        raise ProjectError(f"{at.file}: {ref!r} is no git ref", at=at, hint="write a commit, a tag or a branch")
    version = Version.parse(ref.removeprefix("v"))
    if version is not None and not ref.isdigit():
        return Pin(text, source, at, version=str(version))
    return Pin(text, source, at, ref=ref)


_PARSERS: dict[str, Callable[[str, str, Mark], Pin]] = {"elixir": elixir_pin, "erlang": otp_pin}


def _all(tree: Tree) -> Iterator[tuple[str, Pin]]:
    for directory in version_files.directories_above(tree):
        for tool, version in version_files.read_tools(tree, directory, _PARSERS):
            yield tool, _PARSERS[tool](version.value, version.at.brief, version.at)
        if not directory:
            yield from _version_file(tree, ".elixir-version", "elixir")
            yield from _version_file(tree, ".erlang-version", "erlang")
            yield from _buildpack(tree)


def _version_file(tree: Tree, file: str, tool: str) -> Iterator[tuple[str, Pin]]:
    for number, line in enumerate(facts.read_lines(tree, file), 1):
        words = line.partition("#")[0].split()
        if words:
            at = Mark(file, number, line.index(words[0]) + 1)
            yield tool, _PARSERS[tool](words[0], at.brief, at)
            return


def _buildpack(tree: Tree) -> Iterator[tuple[str, Pin]]:
    file = version_files.BUILDPACK
    found: dict[str, Pin] = {}
    for number, line in enumerate(facts.read_lines(tree, file), 1):
        assignment = _ASSIGNMENT.match(line)
        if not assignment:
            continue
        tool = assignment["name"].removesuffix("_version")
        at = Mark(file, number, assignment.start("value") + 1)
        version = _bash_value(assignment["value"], at)
        if version:
            # As in bash, the last assignment counts.
            found[tool] = _PARSERS[tool](version, at.brief, at)
        else:
            found.pop(tool, None)
    yield from found.items()


def _bash_value(text: str, at: Mark) -> str:
    """Return the value of a bash assignment, ``(branch main)`` as ``branch:main``; it is read, never run."""
    array = re.match(r"\(([^()]*)\)\s*(?:[;#].*)?$", text)
    try:
        words = shlex.split(array[1] if array else text, comments=True)
    except ValueError as error:
        raise ProjectError(f"{at.file}: {error}".lower(), at=at, hint="close the quotes") from error
    if array and len(words) > 1:
        return ":".join(words[:2])
    if not words or (not array and text[:1].isspace()):
        return ""
    return words[0].partition(";")[0]
