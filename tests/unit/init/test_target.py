"""The target that init writes into relbuild.yml: what the release requires, and nothing that is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from relbuild.config import parse
from relbuild.init.files import Scaffold

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0", elixir: "~> 1.18", deps: []]
  def application, do: [mod: {Shop.Application, []}]
end
"""
RUNTIME = """import Config

config :shop,
  secret_key_base: System.fetch_env!("SECRET_KEY_BASE"),
  brokers: System.fetch_env!("AMQP_URL"),
  from: System.fetch_env!("MAIL_FROM"),
  region: System.get_env("REGION", "eu"),
  port: String.to_integer(System.get_env("PORT", "5050"))
"""
ENGINES = ("host", "swarm", "kubernetes")

Written = Callable[..., dict[str, str]]


def target_of(text: str) -> dict[str, object]:
    parse(text.encode())
    return dict(yaml.safe_load(text)["targets"]["production"])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_target_gives_what_the_release_requires(written: Written, engine: str) -> None:
    files = written({"mix.exs": MIX, "config/runtime.exs": RUNTIME}, target=engine)
    assert target_of(files["relbuild.yml"]) == {
        "engine": engine,
        **({} if engine == "host" else {"replicas": 2}),
        "publish": ["80:5050"],
        "secrets": ["AMQP_URL", "SECRET_KEY_BASE"],
        "env": {"MAIL_FROM": None},
    }


def test_a_port_that_is_required_has_a_value(written: Written) -> None:
    runtime = 'import Config\nconfig :shop, port: String.to_integer(System.fetch_env!("PORT"))\n'
    files = written({"mix.exs": MIX, "config/runtime.exs": runtime}, target="host")
    assert target_of(files["relbuild.yml"]) == {"engine": "host", "publish": ["80:4000"], "env": {"PORT": "4000"}}


def test_a_release_without_a_port_publishes_none(written: Written) -> None:
    files = written({"mix.exs": MIX, "config/runtime.exs": "import Config\n"}, target="host")
    assert target_of(files["relbuild.yml"]) == {"engine": "host"}


def test_a_release_that_may_require_more_says_so(written: Written) -> None:
    runtime = 'import Config\nCode.eval_file("/etc/shop.exs")\n'
    files = written({"mix.exs": MIX, "config/runtime.exs": runtime}, target="host")
    assert "# The release may require further variables" in files["relbuild.yml"]


def test_without_the_option_there_is_no_target(written: Written) -> None:
    assert "targets" not in (yaml.safe_load(written({"mix.exs": MIX})["relbuild.yml"]) or {})


def test_a_file_that_exists_is_left_alone_and_the_target_is_shown(scaffold: Callable[..., Scaffold]) -> None:
    files = {"mix.exs": MIX, "config/runtime.exs": RUNTIME, "relbuild.yml": "image: registry.example.com/shop\n"}
    made = scaffold(files, target="swarm")
    assert "relbuild.yml" in made.unchanged
    note = next(each for each in made.notes if each.startswith("relbuild.yml exists: add to it\n"))
    assert target_of(note.partition("\n")[2])["engine"] == "swarm"


def test_with_another_configuration_file_the_target_is_shown(scaffold: Callable[..., Scaffold]) -> None:
    made = scaffold({"mix.exs": MIX}, target="kubernetes", settings=False, config="deploy/relbuild.yml")
    assert any(each.startswith("add the target to deploy/relbuild.yml:\ntargets:") for each in made.notes)
