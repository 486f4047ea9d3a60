"""A project in memory, and what its release needs in short words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.mix import project
from relbuild.mix.environment import Contract, Variable, read_contract
from relbuild.mix.environment.conditions import ALWAYS, describe
from relbuild.mix.project import select_release

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0", releases: [shop: [RELEASE]]]
end
"""


def words(variable: Variable) -> str:
    """Return what is said of a variable: `! fails [when …] [: message]` for each requirement, its default."""
    default = variable.default
    said = [] if default is None else [f"= {default.text!r}" if default.literal else f"= ({default.text})"]
    for each in variable.requirements:
        fails = describe(each.fails).removeprefix(f"{variable.name} is ")
        when = "" if each.when == ALWAYS else f" when {describe(each.when)}"
        said.append(f"! {fails}{when}" + (f": {each.message}" if each.message else ""))
    return "; ".join(said)


@pytest.fixture
def contract(dict_tree: Callable[..., object]) -> Callable[..., Contract]:
    def contract(runtime: str = "", release: str = "", **files: str) -> Contract:
        named = {"mix.exs": MIX.replace("RELEASE", release), **{_path(name): text for name, text in files.items()}}
        if runtime:
            named["config/runtime.exs"] = runtime
        tree = dict_tree(named)
        found = project.read_project(tree)
        return read_contract(tree, found, select_release(found))

    return contract


def _path(name: str) -> str:
    return (
        name.replace("__", "/")
        .replace("_eex", ".eex")
        .replace("_exs", ".exs")
        .replace("_sh", ".sh")
        .replace("_erl", ".erl")
        .replace("_ex", ".ex")
    )


@pytest.fixture
def told(contract: Callable[..., Contract]) -> Callable[..., dict[str, str]]:
    def told(runtime: str = "", **files: str) -> dict[str, str]:
        found = contract(runtime, **files)
        assert not found.possibly_more, found.possibly_more
        return {variable.name: words(variable) for variable in found.variables}

    return told
