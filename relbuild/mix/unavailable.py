"""What the project's code uses and the build, or the release, doesn't have: files, and Mix itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from relbuild.elixir.coerce import Undecided, place
from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Clause, Scope, aliases
from relbuild.elixir.syntax import Source, arguments, body, callee, operands, operator, parse, parts, walk
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.elixir_files import modules_with
from relbuild.mix.environment.boot import find_runtime_config
from relbuild.mix.project import Project, Release

# The modules of the application :mix; other applications have modules called Mix.Something too (Mix.Ecto, Mix.Phoenix).
_OF_MIX = re.compile(
    r"Mix(\.(CLI|Config|Dep|Generator|Local|Project|ProjectStack|PubSub|Rebar|Release|RemoteConverger|SCM|Shell|State|"
    r"Sync|Task|TasksServer|Utils)(\.\w+)*)?"
)
# Of a function with one of these, whether it calls Mix in a release can't be told.
_GUARDS = re.compile(r"ensure_loaded|function_exported|module_loaded|is_loaded|code\.which|:mix\b|\brescue\b|\bcatch\b")
# Calls that only define or quote code.
_NOT_EXECUTED = {"def", "defp", "defmacro", "defmacrop", "defmodule", "quote", "fn"}
_PRESENCE = re.compile(r"File\.(exists\?|regular\?|stat|ls|read)|ensure_loaded")
_READS = re.compile(r"Code\.(require|eval|compile|load)_file|File\.(read|stream|open)!|:file\.consult|EEx\.eval_file")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A use of what isn't there, where it is, and the fix; `certain` when the build or the start surely fails."""

    message: str
    at: Mark
    hint: str
    certain: bool


def find_unavailable(
    tree: Tree, project: Project, apps: tuple[Project, ...], release: Release, *, steps: bool
) -> tuple[Unavailable, ...]:
    """Return what the build, or the release with these applications, lacks.

    With ``steps`` commands of relbuild.yml run in the build, which may write files.
    """
    compiled = apps if project.umbrella else (project,)
    has_mix = _has_mix(compiled, release)
    found = [*_imports(tree, project, certain=not steps), *_runtime(tree, project, release, has_mix=has_mix)]
    return tuple(found if has_mix else (*found, *find_mix_calls(tree, compiled)))


def _imports(tree: Tree, project: Project, *, certain: bool) -> Iterator[Unavailable]:
    """Yield each `import_config` that the build evaluates of a file that isn't there."""
    pending = [project.config_path.value] if isinstance(project.config_path, Known) else []
    seen: set[str] = set()
    while pending:
        path = pending.pop()
        on = _evaluator(tree, path) if path not in seen else None
        seen.add(path)
        if on is None:
            continue
        for node, surely in executed(on, parts(on.source.root)):
            written = arguments(node) if callee(node) == "import_config" else []
            name = _path(on, written[0], on.directory) if written else None
            if name is None or "*" in name:
                continue
            if tree.read(name) is not None:
                pending.append(name)
            elif surely:
                yield Unavailable(
                    f"import_config of {name}, which doesn't exist: the build fails at this line",
                    on.source.mark(node),
                    f"move its settings into config/runtime.exs, or import it only if File.exists?; secrets in {name} "
                    "would be in the image's build cache",
                    certain,
                )


def _runtime(tree: Tree, project: Project, release: Release, *, has_mix: bool) -> Iterator[Unavailable]:
    """Yield the calls in runtime.exs of Mix, and of files that aren't in the release."""
    path = find_runtime_config(tree, project, release)
    on = _evaluator(tree, path) if isinstance(path, str) else None
    if on is None:
        return
    short = aliases(on.source, [])
    for node, surely in executed(on, parts(on.source.root)):
        at, called = on.source.mark(node), _called(on.source, node, short)
        fails = "fails at the start" if surely else "fails at the start if this line is evaluated"
        if not has_mix and called is not None and _OF_MIX.fullmatch(called.rpartition(".")[0]):
            fix = "use config_env() instead" if called == "Mix.env" else "compute it in config/config.exs instead"
            yield Unavailable(f"{called} {fails}: a release doesn't have Mix", at, fix, surely)
        elif callee(node) == "import_config":
            message = f"import_config {fails}: a release evaluates {on.source.file} alone"
            yield Unavailable(message, at, "move the settings into this file", surely)
        elif called is not None and _READS.fullmatch(called):
            yield from _beside(tree, on, release, node, called, surely=surely)


def _beside(
    tree: Tree, on: Evaluator, release: Release, node: Node, called: str, *, surely: bool
) -> Iterator[Unavailable]:
    """Yield the call where it reads a file of the project that isn't in the release."""
    written = [each for each in arguments(node) if each.type != "keywords"]
    if called.startswith("Code.") and len(written) == 2:
        base, name = _path(on, written[1], ""), on.evaluate(written[0], Scope(None))
        relative = name.value if isinstance(name, Known) and isinstance(name.value, str) else None
        file = posixpath.normpath(posixpath.join(base, relative)) if base is not None and relative else None
    else:
        # Relative paths start where the release is started, usually its root.
        file = _path(on, written[0], "") if written else None
    if file is None or tree.read(file) is None or file.split("/")[0] in ("priv", "deps", "_build"):
        return
    if _overlay(tree, release, posixpath.basename(file)):
        return
    steps = release.steps
    computed = isinstance(steps, Unknown) or (isinstance(steps, Known) and "function" in steps.value)
    fails = "fails at the start" if surely else "fails at the start if this line is evaluated"
    unless = ", unless one of its steps copies it" if computed else ""
    yield Unavailable(
        f"{called} of {file} {fails}: the release has {on.source.file}, and no file beside it{unless}",
        on.source.mark(node),
        "move its content into this file, or into a module in lib/ if it is code",
        surely and not computed,
    )


def _overlay(tree: Tree, release: Release, name: str) -> bool:
    """Return whether an overlay brings a file of this name, or may do so."""
    if isinstance(release.overlays, Unknown):
        return True
    pending = ["rel/overlays", *(release.overlays.value if release.overlays is not None else ())]
    for _ in range(1000):
        if not pending:
            return False
        directory = pending.pop()
        names = tree.list(directory)
        if name in names:
            return True
        pending.extend(f"{directory}/{inner[:-1]}" for inner in names if inner.endswith("/"))
    return True


def find_mix_calls(tree: Tree, compiled: tuple[Project, ...]) -> Iterator[Unavailable]:
    """Yield the functions in lib/ that call Mix, other than those of Mix tasks."""
    for source, module in modules_with(tree, compiled, (b"Mix.",)):
        if "/mix/" in source.file or module.name.startswith("Mix.") or any("Mix." in used for used in module.uses):
            continue
        short = aliases(source, [])
        for clause in module.clauses:
            found = _mix_call(source, clause, short)
            if found is not None:
                called, node = found
                function = f"{module.name}.{clause.name}/{len(clause.parameters)}"
                fix = (
                    "read it at compile time: @env Mix.env()"
                    if called in ("Mix.env", "Mix.target")
                    else ("keep it in a Mix task, or read what it needs at compile time, into a module attribute")
                )
                yield Unavailable(
                    f"{function} calls {called}, which raises UndefinedFunctionError in a release: it doesn't have Mix",
                    source.mark(node),
                    f"{fix}; extra_applications: [:mix] in mix.exs adds Mix to the release",
                    certain=False,
                )


def _mix_call(source: Source, clause: Clause, short: dict[str, str | None]) -> tuple[str, Node] | None:
    """Return the first call of Mix in a function that runs when the function does; None where it is guarded."""
    if _GUARDS.search(source.text(clause.node)):
        return None
    for node in walk(clause.node, into=lambda each: callee(each) not in ("quote", "unquote")):
        called = _called(source, node, short)
        if called is not None and _OF_MIX.fullmatch(called.rpartition(".")[0]):
            return called, node
    return None


def _called(source: Source, node: Node, short: dict[str, str | None]) -> str | None:
    """Return the function that a node calls, with its module's full name; None for any other node."""
    target = node.child_by_field_name("target") if node.type == "call" else None
    if target is None or target.type != "dot" or target.child_by_field_name("right") is None:
        return None
    left, right = operands(target)
    first, dot, rest = source.text(left).partition(".")
    full = short.get(first, first)
    return f"{full}{dot}{rest}.{source.text(right)}" if full is not None else None


def _has_mix(compiled: tuple[Project, ...], release: Release) -> bool:
    """Return whether the release has the application :mix, or may have it."""
    wanted = release.applications
    if isinstance(wanted, Unknown) or (wanted is not None and "mix" in dict(wanted.value)):
        return True
    extra = [part.extra_applications for part in compiled if part.extra_applications is not None]
    return any(isinstance(each, Unknown) or "mix" in each.value for each in extra)


def _evaluator(tree: Tree, path: str) -> Evaluator | None:
    """Return the evaluator of a file; None where it can't be read, which is reported elsewhere."""
    try:
        content = tree.read(path)
        return None if content is None else Evaluator(parse(path, content), tree, posixpath.dirname(path))
    except ProjectError:
        return None


def _path(on: Evaluator, node: Node, directory: str) -> str | None:
    """Return the path in the tree that an expression names, a relative one from a directory; None if it isn't known."""
    try:
        return place(on.evaluate(node, Scope(None)), directory)
    except Undecided:
        return None


def executed(on: Evaluator, nodes: list[Node], *, surely: bool = True) -> Iterator[tuple[Node, bool]]:
    """Yield the calls in statements of a file that its evaluation reaches, and whether it surely does.

    What a check of a file's presence guards isn't yielded.
    """
    for node in nodes:
        name = callee(node)
        if name in ("if", "unless") and arguments(node):
            yield from _branches(on, node, unless=name == "unless", surely=surely)
        elif name in _NOT_EXECUTED:
            continue
        elif node.type == "binary_operator" and operator(node) in ("&&", "||", "and", "or"):
            left, right = operands(node)
            yield from executed(on, [left], surely=surely)
            yield from executed(on, [right], surely=False)
        else:
            if node.type == "call":
                yield node, surely
            inner = name in ("case", "cond", "with", "for", "try") or node.type == "anonymous_function"
            yield from executed(on, node.named_children, surely=surely and not inner)


def _branches(on: Evaluator, node: Node, *, unless: bool, surely: bool) -> Iterator[tuple[Node, bool]]:
    condition = arguments(node)[0]
    yield from executed(on, [condition], surely=surely)
    if _PRESENCE.search(on.source.text(condition)):
        return
    value = on.evaluate(condition, Scope(None))
    for section in ("do", "else"):
        statements = body(on.source, node, section) or []
        if isinstance(value, Unknown):
            yield from executed(on, statements, surely=False)
        elif (value.value is not None and value.value is not False) == ((section == "do") != unless):
            yield from executed(on, statements, surely=surely)
