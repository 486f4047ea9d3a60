"""Which layers a release is cut into."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relbuild.image.dockerfile.render import render_dockerfile
from relbuild.image.plan.steps import DEPENDENCY_PARTS, MODULE_PARTS, Layers
from tests.unit.image.plan.test_sources import UMBRELLA, mix, plan
from tests.unit.image.scripts import run

MANY_SOURCES = min(MODULE_PARTS)
SMALL = Layers((), (), ())
ONE = Layers(("deps-0",), ("static",), ())
MANY = Layers(
    tuple(f"deps-{number}" for number in range(DEPENDENCY_PARTS)),
    ("static",),
    tuple(f"app-{number}" for number in range(MODULE_PARTS[MANY_SOURCES])),
)


def sources(count: int, directory: str = "lib") -> dict[str, str]:
    return {f"{directory}/{number % 3}/m{number}.ex": "" for number in range(count)}


def test_a_small_project_has_two() -> None:
    assert plan({"mix.exs": mix("a"), **sources(MANY_SOURCES - 1)}).layers == SMALL


def test_dependencies_are_another() -> None:
    assert plan({"mix.exs": mix("a", 'deps: [{:d, "~> 1.0"}]')}).layers.dependencies == ("deps-0",)


def test_many_modules_are_parts() -> None:
    assert plan({"mix.exs": mix("a"), **sources(MANY_SOURCES)}).layers.modules == MANY.modules


def test_very_many_modules_are_more_parts() -> None:
    assert len(plan({"mix.exs": mix("a"), **sources(1023)}).layers.modules) == 4
    assert len(plan({"mix.exs": mix("a"), **sources(1024)}).layers.modules) == 16


def test_an_umbrellas_modules_count_together() -> None:
    files = {
        "mix.exs": UMBRELLA,
        "apps/a/mix.exs": mix("a"),
        "apps/b/mix.exs": mix("b"),
        **sources(MANY_SOURCES // 2, "apps/a/lib"),
        **sources(MANY_SOURCES // 2, "apps/b/lib"),
    }
    assert plan(files).layers.modules == MANY.modules


def test_many_dependencies_are_parts() -> None:
    deps = ", ".join(f'{{:d{number}, "~> 1.0"}}' for number in range(12))
    assert plan({"mix.exs": mix("a", f"deps: [{deps}]")}).layers.dependencies == MANY.dependencies


def test_static_files_are_a_layer() -> None:
    assert plan({"mix.exs": mix("a"), "priv/static/logo.svg": ""}).layers.static == ("static",)


def test_what_is_in_which() -> None:
    assert SMALL.numbered(("a",), None) == ("1 ERTS, OTP and Elixir", "2 a")
    assert ONE.numbered(("a",), None) == (
        "1 ERTS, OTP and Elixir",
        "2 the dependencies",
        "3 static files",
        "4 the rest of a",
    )
    assert MANY.numbered(("a", "b"), "config/runtime.exs") == (
        "1 ERTS, OTP and Elixir",
        "2-9 the dependencies",
        "10 static files",
        "11-14 the modules of a, b",
        "15 the rest of a, b",
        "16 config/runtime.exs",
    )


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
MODULES = st.from_regex(r"Elixir\.[A-Z][A-Za-z0-9.éß]{0,12}[a-z]", fullmatch=True)


@pytest.mark.parametrize("layers", [SMALL, ONE, MANY], ids=["small", "whole", "parts"])
@settings(max_examples=15, deadline=None)
@given(own=st.lists(MODULES, max_size=40, unique=True), deps=st.lists(NAMES, max_size=8, unique=True))
def test_every_file_is_in_exactly_one_layer(
    layers: Layers, tmp_path_factory: pytest.TempPathFactory, own: list[str], deps: list[str]
) -> None:
    root = tmp_path_factory.mktemp("release")
    deps = [name for name in deps if name != "shop" and layers.dependencies]
    files = {
        "bin/shop",
        "erts-1/bin/erl",
        "releases/1.0.0/env.sh",
        "releases/1.0.0/consolidated/Elixir.Enumerable.beam",
        "lib/kernel-9/ebin/kernel.app",
        "lib/kernel-9/ebin/kernel.beam",
        "lib/kernel-9/priv/not.beam/file",
        "lib/plug-in/priv/text",
        "lib/(x",
        "lib/shop-1.0.0/ebin/shop.app",
        "lib/shop-1.0.0/priv/static/logo with a space.svg",
        *(f"lib/shop-1.0.0/ebin/{module}.beam" for module in own),
        *(f"lib/{name}-2.0/ebin/{name}.{kind}" for name in deps if name != "kernel" for kind in ("app", "beam")),
    }
    for path in files:
        (root / "release" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "release" / path).write_text(path)
    for name in ("shop", *deps):
        (root / "_build/prod/lib" / name).mkdir(parents=True)
    _split(root, layers)
    found = [
        path.relative_to(layer / "app").as_posix()
        for layer in (root / "layers").iterdir()
        for path in layer.rglob("*")
        if path.is_file()
    ]
    assert sorted(found) == sorted(files)
    assert {path.name for path in (root / "layers").iterdir()} == {"otp", "static", *layers.all, "app"}
    layer_of = {
        path.name: path.relative_to(root / "layers").parts[0]
        for path in (root / "layers").rglob("*.beam")
        if path.is_file()
    }
    assert next((root / "layers").rglob("plug-in")).parts[len(root.parts) + 1] == "app"
    assert layer_of["kernel.beam"] == "otp" or "kernel" in deps
    assert all(layer_of[f"{name}.beam"].startswith("deps") for name in deps)
    static = list((root / "layers").rglob("*.svg"))
    assert [path.parts[len(root.parts) + 1] for path in static] == (["static"] if layers.static else ["app"])
    assert [0 < path.stat().st_mtime < 10**9 for path in static] == [True]
    assert {path.stat().st_mtime for path in (root / "layers").rglob("*") if path not in static} == {0}


def _split(root: Path, layers: Layers) -> None:
    counts = (len(layers.dependencies), len(layers.static), len(layers.modules))
    run("split-release.sh", root, *map(str, counts), "shop", cwd=root)


@pytest.mark.parametrize("runtime", [{}, {"config/runtime.exs": "import Config\n"}])
@pytest.mark.parametrize("more", [{}, {"priv/static/logo.svg": ""}, sources(MANY_SOURCES)])
@pytest.mark.parametrize("config", ["", "runner: {base: minimal}", "platforms: [linux/amd64, linux/arm64]"])
def test_their_number_is_that_of_the_last_copies(runtime: dict[str, str], more: dict[str, str], config: str) -> None:
    planned = plan({"mix.exs": mix("a"), **runtime, **more}, config=config)
    _, _, last = render_dockerfile(planned).rpartition("WORKDIR /app\n")
    copies = re.findall(r"^(COPY|RUN|ADD|WORKDIR)\b(?: --link --from=\w+ /layers/[a-z0-9-]+/ /$)?", last, re.M)
    assert copies == ["COPY"] * (2 + len(planned.layers.all) + (planned.order.runtime is not None))
