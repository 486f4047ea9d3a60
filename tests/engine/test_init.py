"""A project that `mix new` has just made becomes an image; so does one whose assets npm builds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def new(docker: Docker, elixir: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `mix new --sup` made, in this Elixir's own words."""
    directory = tmp_path_factory.mktemp("new")
    tar = subprocess.run(
        ("docker", "run", "--rm", "--network", "none", elixir, "sh", "-c", "mix new --sup hello >&2 && tar -c hello"),
        capture_output=True,
        check=True,
    )
    subprocess.run(("tar", "-x"), input=tar.stdout, cwd=directory, check=True)
    return directory / "hello"


def test_a_new_project_becomes_an_image(
    docker: Docker, new: Path, elixir: str, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    made = relbuild("init", "--yes", "--toolchain", "debian", cwd=new)
    assert made.exit_code == 0, made.stderr
    reference = cleanup.image(f"relbuild-test-new:{run_id}")
    built = relbuild("image", "-t", reference, cwd=new)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
    assert docker("run", "--rm", reference, "version") == "hello 0.1.0"
    evaluated = docker("run", "--rm", "--read-only", "--tmpfs", "/tmp", reference, "eval", "IO.inspect(Hello.hello())")
    assert evaluated == ":world"
    # rel/env.sh.eex and rel/vm.args.eex of init are the release's own.
    files = docker("run", "--rm", "--entrypoint", "sh", reference, "-c", "cat releases/*/env.sh releases/*/vm.args")
    assert "it listens\n# on 127.0.0.1 and needs no epmd" in files
    assert "\n+Q 65536\n" in files
    again = relbuild("init", "--yes", "--force", "--toolchain", "debian", cwd=new)
    assert all(line.startswith("unchanged ") for line in again.stdout.splitlines())


def test_mix_format_leaves_what_init_writes_as_it_is(
    docker: Docker, elixir: str, relbuild: Callable[..., Ran], tmp_path: Path
) -> None:
    """An umbrella with Ecto and Phoenix gets every file of Elixir there is."""
    child = tmp_path / "apps" / "shop"
    (child / "lib" / "shop").mkdir(parents=True)
    (tmp_path / "mix.exs").write_text(
        "defmodule Shop.Umbrella.MixProject do\n  use Mix.Project\n\n  def project do\n    [\n"
        '      apps_path: "apps",\n      deps: []\n    ]\n  end\nend\n'
    )
    (child / "mix.exs").write_text(
        "defmodule Shop.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop, version: "0.1.0", deps: [{:ecto_sql, "~> 3.12"}]]\nend\n'
    )
    for module, used in (("Repo", "Ecto.Repo"), ("Archive", "Ecto.Repo"), ("Endpoint", "Phoenix.Endpoint")):
        (child / "lib" / "shop" / f"{module.lower()}.ex").write_text(
            f"defmodule Shop.{module} do\n  use {used}, otp_app: :shop\nend\n"
        )
    made = relbuild("init", "--json", "--yes", "--toolchain", "debian", cwd=tmp_path)
    written = [path for path in json.loads(made.stdout)["data"]["written"] if path.endswith((".ex", ".exs"))]
    assert written == ["mix.exs", "config/runtime.exs", "apps/shop/lib/shop/release.ex"]
    mount = ("--volume", f"{tmp_path}:/project:ro", "--workdir", "/tmp")
    paths = [f"/project/{path}" for path in written]
    docker("run", "--rm", *mount, elixir, "mix", "format", "--check-formatted", *paths)
    # It is Elixir, too: all that is missing is what isn't installed here.
    script = "for path <- System.argv(), do: path |> File.read!() |> Code.string_to_quoted!()"
    docker("run", "--rm", *mount, elixir, "elixir", "-e", script, *paths)
