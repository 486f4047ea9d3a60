"""Overlays and configuration providers of Distillery, moved to rel/overlays and to config/runtime.exs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from relbuild.distillery.outcome import Outcome, outside
from relbuild.distillery.rel_config import RelConfig, Setting, atom
from relbuild.elixir.syntax import Source, walk
from relbuild.elixir.values import Atom, Term, Tuple
from relbuild.elixir.versions import Version
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Tree
from relbuild.init.change import text
from relbuild.init.elixir import releases_only
from relbuild.mix.project import Project

_STEP = "write a function that does it, and name it after :assemble in the release's steps: in mix.exs"
_PROVIDERS = ("Distillery.Releases.Config.Providers.Elixir", "Mix.Releases.Config.Providers.Elixir")
# What the provider's file could do, and what a release of Mix's reads can't, or does otherwise: what is said of
# each, and what to do. `{runtime}` is the file that it reads.
_OTHERWISE = (
    (r"^[^#]*?\b(Mix\.(?!Config\b))", "Mix isn't there when a release starts", "config_env() is :prod in {runtime}"),
    (
        r"^\s*(import_config\b)",
        "{runtime} can't import another file: the release doesn't start with it",
        "write what that file says into {runtime}",
    ),
    (
        r"^[^#]*?(\b__DIR__\b)",
        "__DIR__ is where the release has {runtime} now: releases/VERSION",
        "write the path from RELEASE_ROOT, or with Application.app_dir/2",
    ),
    (r"^[^#]*?(\bRELEASE_ROOT_DIR\b)", "RELEASE_ROOT_DIR is Distillery's", "mix release calls it RELEASE_ROOT"),
    (
        r"^\s*(config\s*\(?\s*:kernel\b)",
        "the kernel is up before {runtime} is read",
        "flags of the VM in rel/vm.args.eex, or ELIXIR_ERL_OPTIONS in rel/env.sh.eex, come before",
    ),
)


def move(outcome: Outcome, config: RelConfig, runtime: str) -> str | None:
    """Put copied files where Mix takes them from; return what the Elixir configuration provider read, for `runtime`."""
    copies = {}
    for setting in (each for each in config.settings if each.key == "overlays"):
        for item in _items(outcome, setting):
            words = _words(item)
            if words[:1] == ["copy"] and len(words) == 3:
                copies[posixpath.normpath(words[2])] = (
                    posixpath.normpath(words[1]),
                    item.at if isinstance(item, Known) else setting.at,
                )
            else:
                what = " ".join(words) or "this overlay"
                at = item.at if isinstance(item, Known) else setting.at
                outcome.look.append(Problem(f"mix release has no such overlay: {what}", at, _STEP))
    provided = None
    for setting in (each for each in config.settings if each.key == "config_providers"):
        for item in _items(outcome, setting):
            file = _provided(item)
            if provided is None and file in copies and outcome.read(runtime) is None:
                provided = _provider_file(outcome, *copies.pop(file), runtime)
            else:
                at = item.at if isinstance(item, Known) else setting.at
                hint = f"what it configures belongs into {runtime}, or name a Config.Provider in config_providers:"
                outcome.look.append(Problem("a configuration provider of Distillery's isn't taken over", at, hint))
    for target, (source, at) in copies.items():
        _copy(outcome, source, target, at)
    return provided


def _items(outcome: Outcome, setting: Setting) -> tuple[Term, ...]:
    if setting.items is None:
        outcome.look.append(Problem(f"{setting.key} can't be read without running Elixir", setting.at, _STEP))
    return setting.items or ()


def _words(item: Term) -> list[str]:
    """Return an overlay's kind and paths."""
    value = item.value if isinstance(item, Known) else None
    inside = value.items if isinstance(value, Tuple) else ()
    found = [atom(each) or (each.value if isinstance(each, Known) else None) for each in inside]
    return [each for each in found if isinstance(each, str)]


def _provided(item: Term) -> str | None:
    """Return the file that the Elixir provider reads, from the release's root; None for another provider."""
    value = item.value if isinstance(item, Known) else None
    if not isinstance(value, Tuple) or len(value.items) != 2:
        return None
    module, given = (each.value if isinstance(each, Known) else None for each in value.items)
    items = getattr(given, "items", ())
    first = items[0].value if items and isinstance(items[0], Known) else None
    if not isinstance(module, Atom) or module.module not in _PROVIDERS or not isinstance(first, str):
        return None
    return posixpath.normpath(re.sub(r"^\$\{?RELEASE_ROOT_DIR\}?/", "", first))


def _provider_file(outcome: Outcome, source: str, at: Mark, runtime: str) -> str | None:
    content = outcome.read(source)
    if content is None:
        outcome.look.append(Problem(f"{source} isn't there", at))
        return None
    for number, line in enumerate(content.splitlines(), 1):
        for pattern, message, hint in _OTHERWISE:
            if match := re.search(pattern, line):
                at_line = Mark(source, number, match.start(1) + 1)
                told = f"{message.format(runtime=runtime)}; this goes to {runtime}"
                outcome.look.append(Problem(told, at_line, hint.format(runtime=runtime)))
    outcome.remove(source)
    return re.sub(r"^use Mix\.Config\b", "import Config", content, flags=re.MULTILINE)


def _copy(outcome: Outcome, source: str, target: str, at: Mark) -> None:
    put = f"rel/overlays/{target}"
    hint = f"put it into {put}, from where mix release copies it into each release"
    if not source.startswith("rel/") or ".." in source.split("/") or target.startswith(("/", "..")):
        outcome.look.append(Problem(f"{source} is copied into the release, and not from rel/", at, hint))
        return
    if "<%" in target or "<%" in source:
        outcome.look.append(Problem(f"{target} is a template of Distillery's", at, _STEP))
        return
    try:
        content = text(outcome.tree, source)
    except ProjectError:
        outcome.look.append(Problem(f"{source} is no text: it isn't moved", at, hint))
        return
    if content is None:
        outcome.look.append(Problem(f"{source} is no file: it isn't moved", at, hint))
        return
    outcome.add(put, content, f"{source} should lie there")
    if outcome.files.get(put) == content:
        outcome.remove(source)
        if content.startswith("#!"):
            outcome.look.append(Problem(f"{source} becomes {put}, and is a program", at, f"chmod +x {put}"))


_RELEASES = "releases.exs"


def path(tree: Tree, project: Project, elixir: Version | None) -> str:
    """Return where it is, or will be."""
    directory = posixpath.dirname(project.config_path.value) if isinstance(project.config_path, Known) else "config"
    names = ("runtime.exs", _RELEASES)
    there = [name for name in names if tree.read(posixpath.join(directory, name)) is not None]
    # A release has one such file, runtime.exs before the other (Mix.Release).
    return posixpath.join(directory, (there or [_RELEASES if releases_only(elixir) else names[0]])[0])


def write(outcome: Outcome, file: str, provided: str | None, lines: Sequence[str]) -> None:
    """Add what a configuration provider read and the lines of the moved configuration, for production alone."""
    if provided is None and not lines:
        return
    before = outcome.read(file)
    # What the provider read took the place of what stood in the configuration.
    blocks = ["\n".join(lines)] if lines else []
    blocks += [_without_import(provided)] if provided is not None else []
    text = "\n\n".join(block.strip("\n") for block in blocks if block.strip("\n"))
    if outside(file):
        hint = f"add to it, for production alone:\n{text}"
        outcome.look.append(Problem(f"{file} is outside of the project, and stays as it is", None, hint))
        return
    if posixpath.basename(file) != _RELEASES:
        # Unlike releases.exs it is read in development and by tests, too.
        text = f"if config_env() == :prod do\n{_indented(text)}\nend"
    start = "import Config" if before is None else before.rstrip("\n")
    outcome.files[file] = f"{start}\n\n{text}\n"


def _without_import(text: str) -> str:
    return re.sub(r"^(?:use Mix\.Config|import Config)[ \t]*\r?\n?", "", text, count=1, flags=re.MULTILINE)


def _indented(text: str) -> str:
    strings = [node for node in walk(Source("", text.encode()).root) if node.type in ("string", "charlist", "sigil")]
    if any(node.start_point[0] != node.end_point[0] and not _heredoc(node.text or b"") for node in strings):
        # What stands between quotes over several lines would have the indentation in it.
        return text
    return "\n".join(f"  {line}" if line.strip() else line for line in text.split("\n"))


def _heredoc(text: bytes) -> bool:
    return re.match(rb"(?:~\w+)?(?:\"\"\"|''')", text) is not None
