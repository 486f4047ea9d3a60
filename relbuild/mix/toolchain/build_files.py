"""The Elixir and OTP that a project's own Dockerfile and CI build with, where nothing else names versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from relbuild import facts
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Tree
from relbuild.mix.toolchain import version_files
from relbuild.mix.toolchain.pins import Pin, elixir_pin, otp_pin

DOCKERFILE, WORKFLOWS, GITLAB = "Dockerfile", ".github/workflows", ".gitlab-ci.yml"
# `relbuild dockerfile --write` names itself in the first line: its versions come from here.
_OWN = re.compile(r"\A[^\n]*relbuild")
_ARG = re.compile(r"\s*ARG\s+(?P<name>\w+)=(?P<value>\S+)", re.IGNORECASE)
_FROM = re.compile(r"\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(\w+)(?::?-[^}]*)?\}|\$(\w+)")
_IMAGE = re.compile(
    r"(?:[^:]*/)?[\w.-]*elixir[\w.-]*:v?(?P<elixir>\d+\.\d+(?:\.\d+)?)(?:\b.*?(?:erlang|otp)-(?P<otp>[\d.]+\d|\d+))?"
)
_GITLAB_IMAGE = re.compile(r"""\s*(?:image|name):\s*["']?(?P<image>[^\s"'#]+)""")
_SETUP = ("erlef/setup-beam", "erlef/setup-elixir", "actions/setup-elixir")
_EXPRESSION = re.compile(r"\$\{\{\s*(matrix|env)\.([\w-]+)\s*\}\}")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


class BuiltWith(NamedTuple):
    """The versions that one file names together; at least one of them."""

    elixir: Pin | None
    otp: Pin | None


def find_built_with(tree: Tree) -> Iterator[BuiltWith]:
    """Yield what the project's Dockerfile names, then its CI, that of the repository's root too, the nearest first."""
    yield from _dockerfile(tree)
    for directory in version_files.directories_above(tree):
        for name in tree.list(f"{directory}{WORKFLOWS}"):
            if name.endswith((".yml", ".yaml")):
                yield from _workflow(tree, f"{directory}{WORKFLOWS}/{name}")
        for number, line in enumerate(_lines(tree, f"{directory}{GITLAB}"), 1):
            found = _GITLAB_IMAGE.match(line)
            if found is not None:
                yield from _image(found["image"], Mark(f"{directory}{GITLAB}", number, found.start("image") + 1))


def _dockerfile(tree: Tree) -> Iterator[BuiltWith]:
    lines = _lines(tree, DOCKERFILE)
    if _OWN.match("\n".join(lines[:1])):
        return
    values: dict[str, tuple[str, Mark]] = {}
    for number, line in enumerate(lines, 1):
        if argument := _ARG.match(line):
            at = Mark(DOCKERFILE, number, argument.start("value") + 1)
            values[argument["name"]] = (_expanded(argument["value"].strip("\"'"), values), at)
        elif source := _FROM.match(line):
            yield from _image(_expanded(source["image"], values), Mark(DOCKERFILE, number, source.start("image") + 1))
    elixir = values.get("ELIXIR_VERSION")
    otp = values.get("OTP_VERSION") or values.get("ERLANG_VERSION")
    if elixir is not None:
        yield from _versions(elixir[0], otp[0] if otp else None, elixir[1], otp[1] if otp else None)


def _expanded(text: str, values: dict[str, tuple[str, Mark]]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], ("",))[0], text)


def _image(image: str, at: Mark) -> Iterator[BuiltWith]:
    found = _IMAGE.match(image)
    if found is not None:
        yield from _versions(found["elixir"], found["otp"], at, at)


def _workflow(tree: Tree, path: str) -> Iterator[BuiltWith]:
    import yaml

    lines = _lines(tree, path)
    if not any(action in line for line in lines for action in _SETUP):
        return
    try:
        workflow = yaml.safe_load("\n".join(lines))
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    jobs = _mapping(_mapping(workflow).get("jobs"))
    for job in map(_mapping, jobs.values()):
        steps = job.get("steps")
        for step in map(_mapping, steps if isinstance(steps, list) else ()):
            if not str(step.get("uses", "")).startswith(_SETUP):
                continue
            inputs = _mapping(step.get("with"))
            elixir, otp = (_value(inputs.get(f"{tool}-version"), workflow, job) for tool in ("elixir", "otp"))
            if elixir is not None:
                marks = (_place(path, lines, f"{tool}-version") for tool in ("elixir", "otp"))
                yield from _versions(elixir, otp, *marks)


def _value(written: Any, workflow: Any, job: dict[str, Any]) -> str | None:
    """Return a version as a workflow computes it, of a matrix the highest; None where that isn't known."""
    text = "" if written is None else str(written)
    expression = _EXPRESSION.fullmatch(text)
    if expression is None:
        return text if _NUMBER.match(text.removeprefix("v")) else None
    kind, name = expression.groups()
    if kind == "env":
        values = [_mapping(each.get("env")).get(name) for each in (job, _mapping(workflow))]
    else:
        matrix = _mapping(_mapping(job.get("strategy")).get("matrix"))
        listed = matrix.get(name)
        included = matrix.get("include")
        values = [*(listed if isinstance(listed, list) else ())]
        values += [_mapping(each).get(name) for each in (included if isinstance(included, list) else ())]
    numbers = [found for each in values if each is not None and (found := _NUMBER.match(str(each).removeprefix("v")))]
    return max((found[0] for found in numbers), key=lambda each: [*map(int, each.split("."))], default=None)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _place(path: str, lines: list[str], key: str) -> Mark:
    number = next((number for number, line in enumerate(lines, 1) if key in line), 1)
    return Mark(path, number, lines[number - 1].find(key) + 1 if key in lines[number - 1] else 1)


def _versions(elixir: str, otp: str | None, at: Mark, otp_at: Mark | None) -> Iterator[BuiltWith]:
    try:
        pins = (
            elixir_pin(elixir, at.brief, at),
            otp_pin(otp, (otp_at or at).brief, otp_at or at) if otp is not None else None,
        )
    except ProjectError:
        return
    yield BuiltWith(*(pin if pin is not None and pin.version and not pin.passed else None for pin in pins))


def _lines(tree: Tree, path: str) -> list[str]:
    try:
        return facts.read_lines(tree, path)
    except ProjectError:
        return []
