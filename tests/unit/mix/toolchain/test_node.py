"""Which Node the assets are built with, and the image that has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import Mark
from relbuild.facts import Known
from relbuild.mix.toolchain import node

Tree = Callable[[dict[str, Any]], Any]


def find(dict_tree: Tree, files: dict[str, Any], engines: str | None = None) -> tuple[str, str]:
    said = Known(engines, Mark("assets/package.json", 7)) if engines is not None else None
    found = node.find_node(dict_tree(files), "assets", said)
    return found.version, found.source


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({"assets/.nvmrc": "v20.11.1\n", ".nvmrc": "18"}, "20.11.1", "assets/.nvmrc:1"),
        ({".nvmrc": "# ours\n\nlts/iron\n"}, "20", ".nvmrc:3"),
        ({".nvmrc": "lts/*"}, "24", ".nvmrc:1"),
        ({".node-version": "22.x"}, "22", ".node-version:1"),
        ({".tool-versions": "elixir 1.18.4\nnodejs 22.14.0 system\n"}, "22.14.0", ".tool-versions:2"),
        ({"mise.toml": '[tools]\nelixir = "1.18"\nnode = ["22", "20"]\n'}, "22", "mise.toml:3"),
        ({"mise.toml": '[tools]\nnode = {version = "lts"}\n'}, "24", "mise.toml:2"),
        ({"mise.toml": '[tools]\n"core:node" = "22"\n'}, "22", "mise.toml:2"),
        ({"mise.toml": '[tools]\nnodemon = "3"\nnode = "22"\n'}, "22", "mise.toml:3"),
        ({"phoenix_static_buildpack.config": "clean_cache=true\nnode_version='18.19.0'\n"}, "18.19.0",
         "phoenix_static_buildpack.config:2"),
        ({".nvmrc": "20", ".tool-versions": "nodejs 22\n"}, "20", ".nvmrc:1"),
        ({"../.git/HEAD": "", "../.tool-versions": "nodejs 22\n"}, "22", "../.tool-versions:1"),
        ({"../.git": "gitdir: x", "../.nvmrc": "22\n", ".tool-versions": "nodejs 20\n"}, "20", ".tool-versions:1"),
    ],
)  # fmt: skip
def test_where_the_project_says_it(dict_tree: Tree, files: dict[str, Any], version: str, source: str) -> None:
    assert find(dict_tree, files, engines=">=12") == (version, source)


@pytest.mark.parametrize(
    ("engines", "version"),
    [
        (">=18", "24"),
        (">= 18.17.0", "24"),
        (">=18 <21", "20"),
        ("^20.0.0", "20"),
        ("~22.3", "22.3.0"),
        ("18.x || 20.x", "20"),
        ("18 - 20", "20"),
        ("20.5.x", "20.5"),
        ("16.20.2", "16.20.2"),
        (">=25", "26"),
        ("<=18.5", "16"),
        ("*", "24"),
        (">21 <23", "22"),
    ],
)
def test_a_range_gives_a_version_that_is_in_it(dict_tree: Tree, engines: str, version: str) -> None:
    assert find(dict_tree, {}, engines) == (version, f'assets/package.json:7 ("node": "{engines}")')


@pytest.mark.parametrize("engines", ["foo", ">=99", ">=20 <18"])
def test_a_range_that_holds_none_is_passed_over_and_told(dict_tree: Tree, engines: str) -> None:
    found = node.find_node(dict_tree({}), "assets", Known(engines, Mark("assets/package.json", 7)))
    assert (found.version, found.said) == ("24", False)
    assert found.notes == (f"assets/package.json:7: no version of Node is known to be in {engines!r}: passed over",)


def test_a_version_that_is_not_known_is_told(dict_tree: Tree) -> None:
    found = node.find_node(dict_tree({".nvmrc": "99\n"}), "", None)
    assert (found.version, found.notes) == ("99", (".nvmrc:1 asks for Node 99: relbuild knows none after 26",))
    assert node.find_node(dict_tree({".nvmrc": "26.1"}), "", None).notes == ()


def test_what_is_no_version_is_passed_over_and_told(dict_tree: Tree) -> None:
    found = node.find_node(dict_tree({".nvmrc": "system", ".tool-versions": "nodejs 22\n"}), "", None)
    assert (found.version, found.notes) == (
        "22",
        (".nvmrc:1: 'system' is no version of Node that relbuild knows: passed over",),
    )


@pytest.mark.parametrize(
    ("version", "debian", "image"),
    [
        ("22", "trixie", "node:22-trixie-slim"),
        ("22", "bookworm", "node:22-bookworm-slim"),
        ("22", "forky", "node:22-trixie-slim"),
        ("22", "bullseye", "node:22-bullseye-slim"),
        ("22.17.1", "trixie", "node:22.17.1-bookworm-slim"),
        ("22.18.0", "trixie", "node:22.18.0-trixie-slim"),
        ("22.17", "trixie", "node:22.17-bookworm-slim"),
        ("22.18", "trixie", "node:22.18-trixie-slim"),
        ("18", "trixie", "node:18-bookworm-slim"),
        ("18.15.0", "trixie", "node:18.15.0-bullseye-slim"),
        ("14", "trixie", "node:14-bullseye-slim"),
        ("12.22.5", "bookworm", "node:12.22.5-bullseye-slim"),
        ("12.18.3", "bullseye", "node:12.18.3-buster-slim"),
        ("12.18", "trixie", "node:12.18-buster-slim"),
        ("12.5.0", "trixie", "node:12.5.0-stretch-slim"),
        ("15", "trixie", "node:15-buster-slim"),
        ("17.0.0", "trixie", "node:17.0.0-bullseye-slim"),
        ("26.1.0", "trixie", "node:26.1.0-trixie-slim"),
    ],
)
def test_the_image_is_one_that_there_is(version: str, debian: str, image: str) -> None:
    assert node.Node(version, "").image(debian) == image


_PART = st.one_of(st.integers(0, 30).map(str), st.sampled_from(["x", "*"]))
_VERSION = st.lists(_PART, min_size=1, max_size=3).map(".".join)
_WORD = st.builds("{}{}".format, st.sampled_from(["", ">=", ">", "<", "<=", "^", "~", "=", ">= "]), _VERSION)
_RANGE = st.lists(st.lists(_WORD, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=3).map(" || ".join)


@given(st.one_of(_RANGE, st.text(max_size=20)))
def test_any_range_gives_a_version_or_none(dict_tree: Tree, text: str) -> None:
    found = node.find_node(dict_tree({}), "", Known(text, Mark("package.json", 1)))
    assert re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6}){0,2}", found.version)


@given(st.integers(12, 26), st.integers(0, 20), st.integers(0, 20))
def test_bounds_around_a_version_hold_it(dict_tree: Tree, major: int, minor: int, patch: int) -> None:
    version = f"{major}.{minor}.{patch}"
    for text in (version, f"={version}", f">={version} <={version}", f"{version} - {version}"):
        assert find(dict_tree, {}, text)[0] == version
