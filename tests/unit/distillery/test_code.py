"""What a project's own code and configuration need of Distillery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Told = Callable[..., list[str]]

PLUGIN = """defmodule Shop.Plugin do
  use Mix.Releases.Plugin
  alias Distillery.Releases.Shell

  def root, do: System.get_env("RELEASE_ROOT_DIR")
  # System.get_env("REL_NAME")
  def other, do: {Mix.Release, Shop.Distillery, System.get_env("RELEASE_ROOT")}
end
"""


@pytest.mark.parametrize("file", ["lib/plugin.ex", "rel/plugins/plugin.exs"])
def test_modules_and_variables_of_distillery_s(convert: Any, file: str) -> None:
    assert [(str(each.at), each.message, each.hint) for each in convert(files={file: PLUGIN}).look] == [
        (
            f"{file}:2:7",
            "Mix.Releases.Plugin is Distillery's",
            "write a function that does the same into the release's steps: in mix.exs",
        ),
        (
            f"{file}:3:9",
            "Distillery.Releases.Shell is Distillery's",
            "it goes with the dependency: mix release has no such module",
        ),
        (f"{file}:5:33", "RELEASE_ROOT_DIR is a variable of Distillery's", "Mix has RELEASE_ROOT"),
    ]


def test_a_call_is_told_once(told: Told) -> None:
    call = "defmodule Shop do\n  def run, do: Mix.Releases.Shell.info(1)\nend\n"
    assert told(files={"lib/shop.ex": call}) == ["lib/shop.ex:2:16: Mix.Releases.Shell is Distillery's"]


def test_the_configuration_of_distillery(told: Told) -> None:
    config = 'import Config\nconfig :distillery, no_warn_missing: [:a]\nconfig :shop, a: System.get_env("REL_VSN")\n'
    assert told(files={"config/config.exs": config}) == [
        "config/config.exs:2:1: config :distillery configures nothing any more",
        "config/config.exs:3:34: REL_VSN is a variable of Distillery's",
    ]


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ('set config: "rel/c.exs", erts_version: "9.0"', ["config", "erts_version"]),
        ("set include_system_libs: true\nset made_up: 1", ["include_system_libs", "made_up"]),
        ("set dev_mode: false, include_src: false, no_dot_erlang: true, output_dir: nil", []),
    ],
)
def test_every_setting_without_a_place_is_named(told: Told, settings: str, keys: list[str]) -> None:
    assert [each.rpartition(" ")[2] for each in told(settings)] == keys


@pytest.mark.parametrize(("settings", "noted"), [("", 1), ("set strip_debug_info: false", 0)])
def test_stripping_is_noted_where_nothing_was_said_of_it(convert: Any, settings: str, noted: int) -> None:
    assert len(convert(settings).notes) == noted
