"""Distillery projects in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from relbuild.config import Config
from relbuild.distillery.conversion import Conversion, make

MIX = """defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [
      app: :shop,
      version: "1.2.0",
      elixir: "~> 1.15",
      deps: [{:distillery, "~> 2.1"}]
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
"""


class Files:
    """A tree of texts."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def list(self, directory: str) -> tuple[str, ...]:
        inside = f"{directory}/" if directory else ""
        names = (path[len(inside) :].partition("/") for path in self.files if path.startswith(inside))
        return tuple(sorted({name + slash for name, slash, _ in names}))


def rel_config(release: str, environment: str = "") -> str:
    return (
        "use Distillery.Releases.Config\n\n"
        f"environment :prod do\n{environment}\nend\n\nrelease :shop do\n{release}\nend\n"
    )


@pytest.fixture(scope="session")
def convert() -> Callable[..., Conversion]:
    """Return a function that converts a project with these settings of its release and of its environment."""

    def converted(
        release: str = "", environment: str = "", files: Mapping[str, str | None] | None = None
    ) -> Conversion:
        own = {
            "mix.exs": MIX,
            "rel/config.exs": rel_config(release, environment),
            "rel/vm.args": "+K true\n",
            **(files or {}),
        }
        return make(Files({path: text for path, text in own.items() if text is not None}), Config())

    return converted


@pytest.fixture(scope="session")
def after(convert: Callable[..., Conversion]) -> Callable[..., dict[str, str | None]]:
    """Return a function that gives the files that a conversion changes, None for one that goes."""
    return lambda *settings, **more: {each.path: each.after for each in convert(*settings, **more).changes}


@pytest.fixture(scope="session")
def told(convert: Callable[..., Conversion]) -> Callable[..., list[str]]:
    """Return a function that gives what a conversion leaves to a person, each with its place."""
    return lambda *settings, **more: [f"{each.at}: {each.message}" for each in convert(*settings, **more).look]
