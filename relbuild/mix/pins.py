"""What a project's own files say of Elixir and OTP: .tool-versions, mise, version files, a buildpack's settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

from relbuild.errors import Mark, ProjectError
from relbuild.mix import above, utf8
from relbuild.mix.facts import Tree
from relbuild.mix.versions import OtpVersion, Version
from relbuild.values import dataclass

# A release, a release candidate, or the beginning of one.
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6}(?:\.[0-9]{1,6}(?:-rc\.[0-9]{1,3})?)?)?", re.ASCII)
_REF = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,199}", re.ASCII)
_SUFFIX = re.compile(r"(?P<version>.+)-otp-(?P<otp>[0-9]{2})", re.ASCII)
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>elixir_version|erlang_version)=(?P<value>.*)", re.DOTALL)
_TOML_PLACE = re.compile(r"at line ([0-9]+), column ([0-9]+)")

MISE_FILES = ("mise.toml", ".mise.toml", ".config/mise.toml")


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


def read(tree: Tree) -> Pins:
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


_EXAMPLES = {"elixir": "1.18.4", "erlang": "27.3.4"}
_PARSERS: dict[str, Callable[[str, str, Mark], Pin]] = {"elixir": elixir_pin, "erlang": otp_pin}


def _all(tree: Tree) -> Iterator[tuple[str, Pin]]:
    for directory in above.directories(tree):
        yield from _tool_versions(tree, f"{directory}.tool-versions")
        for file in MISE_FILES:
            yield from _mise(tree, f"{directory}{file}")
        if not directory:
            yield from _version_file(tree, ".elixir-version", "elixir")
            yield from _version_file(tree, ".erlang-version", "erlang")
            yield from _buildpack(tree)


def _tool_versions(tree: Tree, file: str) -> Iterator[tuple[str, Pin]]:
    seen: set[str] = set()
    for number, line in enumerate(utf8.lines(tree, file), 1):
        words = line.partition("#")[0].split()
        # As in asdf, a tool's first line counts and, where it has several versions, the first of them.
        if not words or words[0] not in _PARSERS or words[0] in seen:
            continue
        tool = words[0]
        seen.add(tool)
        if len(words) == 1:
            raise ProjectError(
                f"{file}: no version after {tool}", at=Mark(file, number), hint=f"write `{tool} VERSION`"
            )
        at = Mark(file, number, line.index(words[1], line.index(tool) + len(tool)) + 1)
        yield tool, _PARSERS[tool](words[1], f"{file}:{number}", at)


def _version_file(tree: Tree, file: str, tool: str) -> Iterator[tuple[str, Pin]]:
    for number, line in enumerate(utf8.lines(tree, file), 1):
        words = line.partition("#")[0].split()
        if words:
            at = Mark(file, number, line.index(words[0]) + 1)
            yield tool, _PARSERS[tool](words[0], f"{file}:{number}", at)
            return


def _mise(tree: Tree, file: str) -> Iterator[tuple[str, Pin]]:
    text = utf8.read(tree, file)
    if text is None or not text.strip():
        return
    tools = _toml(file, text).get("tools", {})
    for tool, parse in _PARSERS.items():
        for key in (tool, f"core:{tool}", f"asdf:{tool}"):
            if isinstance(tools, dict) and key in tools:
                at = _toml_place(file, text, key)
                yield tool, parse(_mise_version(tool, tools[key], at), f"{file}:{at.line}", at)
                break


def _mise_version(tool: str, value: Any, at: Mark) -> str:
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("version")
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ProjectError(f"{at.file}: the version is no string", at=at, hint=f'write it in quotes: "{_EXAMPLES[tool]}"')


def _toml(file: str, text: str) -> dict[str, Any]:
    # Few projects have such a file; the others need not wait for the parser.
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ProjectError(f"{file}: nested too deeply", at=Mark(file, 1)) from error
    except ValueError as error:
        place = _TOML_PLACE.search(str(error))
        at = Mark(file, int(place[1]), int(place[2])) if place else Mark(file, 1)
        raise ProjectError(f"{file}: not TOML: {_TOML_PLACE.sub('', str(error)).removesuffix(' ()')}", at=at) from error


def _toml_place(file: str, text: str, key: str) -> Mark:
    # tomllib keeps no places; the first line of the [tools] table that begins with the key is it, or a [tools.KEY].
    name = rf"[\"']?{re.escape(key)}[\"']?"
    entry = re.compile(rf"\s*(?:tools\s*\.\s*)?{name}\s*[.=]|\s*\[\s*tools\s*\.\s*{name}\s*\]|\s*tools\s*=.*{name}")
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if entry.match(line) and (table in ("", "tools") or line.lstrip().startswith("[")):
            return Mark(file, number)
        if header := re.match(r"\s*\[\s*([^\]]*?)\s*\]", line):
            table = header[1]
    return Mark(file, 1)


def _buildpack(tree: Tree) -> Iterator[tuple[str, Pin]]:
    file = "elixir_buildpack.config"
    found: dict[str, Pin] = {}
    for number, line in enumerate(utf8.lines(tree, file), 1):
        assignment = _ASSIGNMENT.match(line)
        if not assignment:
            continue
        tool = assignment["name"].removesuffix("_version")
        at = Mark(file, number, assignment.start("value") + 1)
        version = _bash_value(assignment["value"], at)
        if version:
            # As in bash, the last assignment counts.
            found[tool] = _PARSERS[tool](version, f"{file}:{number}", at)
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
