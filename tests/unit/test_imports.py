"""Imports run one way, and the domain touches no file, process, clock or network."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import relbuild

ROOT = Path(relbuild.__file__).parent
# What a module of each place may import from relbuild, by its first part.
LEAVES = {"cache", "errors", "facts", "endpoint", "result", "templates"}
ALLOWED = {
    "cli": {"cli", "commands", "engine", "output", "endpoint", "errors", "result"},
    "commands": {
        "commands",
        "engine",
        "distillery",
        "init",
        "deploy",
        "release",
        "image",
        "mix",
        "elixir",
        "config",
        "progress",
        *LEAVES,
    },
    "engine": {"engine", "deploy", "release", "image", "mix", "elixir", "config", *LEAVES},
    "init": {"init", "image", "release", "mix", "elixir", "config", *LEAVES},
    "distillery": {"distillery", "init", "mix", "elixir", "config", *LEAVES},
    "deploy": {"deploy", "release", "image", "mix", "elixir", "config", *LEAVES},
    "release": {"release", "mix", "elixir", "config", *LEAVES},
    "image": {"image", "release", "mix", "elixir", "config", *LEAVES},
    "mix": {"mix", "elixir", "facts", "errors"},
    "elixir": {"elixir", "facts", "errors"},
    "config": {"config", "errors"},
    "facts": {"errors"},
    "errors": set(),
    "endpoint": set(),
    "result": {"errors"},
    "cache": set(),
    "templates": {"cache"},
    "output": {"errors", "progress", "result"},
    "progress": {"image"},
    "__main__": {"cli", "output", "errors"},
    "__init__": set(),
}
DOMAIN = ("facts", "elixir", "mix", "config", "image", "release", "deploy", "init", "distillery")
EFFECTS = {
    "asyncio", "docker", "glob", "http", "io", "os", "pathlib", "random", "requests", "secrets", "shutil", "socket",
    "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
EFFECT_CALLS = {"open", "input", "print"}

MODULES = sorted(ROOT.rglob("*.py"))


def _place(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imports(path: Path) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            if node.module == "relbuild":
                found += [
                    (f"relbuild.{alias.name}", node.lineno) for alias in node.names if alias.name != "__version__"
                ]
            else:
                found.append((node.module, node.lineno))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for name, line in _imports(path)
        if name.startswith("relbuild.") and name.split(".")[1] not in ALLOWED[_place(path)]
    ]
    assert wrong == []


def _run(body: list[ast.stmt]) -> Iterator[ast.ImportFrom]:
    """Yield the imports that are carried out, when a module is loaded or later: not those for the type checker."""
    for statement in body:
        if not (isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"):
            yield from (each for each in ast.walk(statement) if isinstance(each, ast.ImportFrom))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def test_no_modules_import_one_another() -> None:
    names = {_name(path) for path in MODULES}
    imports = {
        _name(path): {
            inner if inner in names else node.module
            for node in _run(ast.parse(path.read_text()).body)
            for inner in (f"{node.module}.{alias.name}" for alias in node.names)
        }
        for path in MODULES
    }
    # Raises CycleError, which names the modules.
    TopologicalSorter(imports).prepare()


@pytest.mark.parametrize(
    "path", [p for p in MODULES if _place(p) in DOMAIN], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_domain_touches_nothing(path: Path) -> None:
    wrong = [f"{path}:{line}: {name}" for name, line in _imports(path) if name.split(".")[0] in EFFECTS]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EFFECT_CALLS:
            wrong.append(f"{path}:{node.lineno}: {node.func.id}()")
    assert wrong == []


def test_every_part_of_relbuild_has_a_rule() -> None:
    assert {_place(path) for path in MODULES} <= set(ALLOWED)


def test_only_output_and_main_write_to_the_streams() -> None:
    writers = {
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("stdout", "stderr")
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    }
    engine = {f"engine/{name}.py" for name in ("runner", "streams")}
    assert writers == {"__main__.py", "output.py", *engine}
