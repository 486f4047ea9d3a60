"""What is decided about an image."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from relbuild import __version__
from relbuild.config import Config, parse
from relbuild.errors import Mark, ProjectError, RelbuildError
from relbuild.image import labels
from relbuild.image.dockerfile.render import render_dockerfile
from relbuild.image.plan.plan import Plan, make_plan
from relbuild.mix import project

MIX = """defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [app: :shop, version: "VERSION", elixir: "~> 1.18", deps: deps()]
  end

  defp deps, do: DEPS
end
"""


class DictTree:
    """A project's files in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {path: text.encode() for path, text in files.items()}

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        prefix = f"{directory.rstrip('/')}/" if directory else ""
        below = {path.removeprefix(prefix) for path in self._files if path.startswith(prefix)}
        return tuple(sorted({f"{name.split('/')[0]}/" if "/" in name else name for name in below}))


def plan(files: Mapping[str, str] | None = None, config: str = "", version: str = "1.2.3", deps: str = "[]") -> Plan:
    mix = MIX.replace("VERSION", version).replace("DEPS", deps)
    tree = DictTree({"mix.exs": mix, **(files or {})})
    return make_plan(project.read_project(tree), parse(config.encode()) if config else Config(), tree)


def test_the_labels_carry_the_contract() -> None:
    release = "defmodule Shop.Release do\n  def migrate, do: :ok\nend\n"
    made = plan({"lib/shop/release.ex": release})
    assert dict(made.labels) == {
        "io.relbuild.applications": "shop",
        "io.relbuild.built-by": f"relbuild {__version__}",
        "io.relbuild.migrate": "Shop.Release.migrate()",
        "io.relbuild.release": "shop",
        "io.relbuild.root": "/app",
        "io.relbuild.version": "1.2.3",
        "org.opencontainers.image.base.name": made.runner.image,
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.version": "1.2.3",
    }


def test_the_labels_say_what_it_stands_on() -> None:
    def said(made: Plan) -> dict[str, str]:
        names = (
            "io.relbuild.applications",
            "org.opencontainers.image.base.name",
            "org.opencontainers.image.base.digest",
        )
        return {name.rpartition(".")[2]: made.labels[name] for name in names if name in made.labels}

    assert said(plan(config="runner: {base: minimal}")) == {"applications": "shop"}
    repos = "builder: {repos: {own: {url: 'https://hex.example.com'}, hexpm: {url: 'https://mirror.example.com'}}}"
    assert plan(config=repos).labels[labels.REPOSITORIES] == "own=https://hex.example.com"
    digest = f"sha256:{'a' * 64}"
    assert said(plan(config=f"runner: {{base: 'registry.example.com/base:1@{digest}'}}")) == {
        "applications": "shop",
        "name": "registry.example.com/base:1",
        "digest": digest,
    }
    mix = MIX.replace("VERSION", "1.0.0").replace("DEPS", "[]").replace("[app: :shop", "[app: app()")
    tree = DictTree({"mix.exs": f"{mix}# def app, do: :shop"})
    unread = make_plan(project.read_project(tree), Config(release="shop"), tree)
    assert "applications" not in said(unread)


def test_relbuild_yml_has_the_last_word_on_migrate() -> None:
    release = "defmodule Shop.Release do\n  def migrate, do: :ok\nend\n"
    made = plan({"lib/shop/release.ex": release}, "migrate: Other.up()\n")
    assert made.migrate is not None
    assert (made.migrate.value, made.migrate.at) == ("Other.up()", Mark("relbuild.yml", 1, 10))


def test_several_migrate_functions_are_told() -> None:
    one = "defmodule Shop.Release do\n  def migrate, do: :ok\nend\n"
    two = "defmodule Shop.Tools.Release do\n  def migrate, do: :ok\nend\n"
    made = plan({"lib/a.ex": one, "lib/b.ex": two})
    assert any("several migrate functions" in note and "lib/b.ex:2" in note for note in made.notes)


def test_the_sources_are_sorted_by_when_they_are_needed() -> None:
    files = dict.fromkeys(
        (
            "mix.lock", "README.md", "lib/a.ex", "priv/x", "test/a.exs", "assets/app.js", "config/config.exs",
            "config/prod.exs", "config/dev.exs", "config/runtime.exs", "rel/env.sh.eex", ".git/HEAD", ".env", "p.env",
            "_build/x", "deps/a/mix.exs", "node_modules/x", "secret.pem", "Dockerfile", "docs/x",
        ),
        "",
    )  # fmt: skip
    sources = plan(files).sources
    assert (sources.manifests, sources.compile_config) == (
        ("mix.exs", "mix.lock"),
        ("config/config.exs", "config/prod.exs"),
    )
    assert (sources.files, sources.directories) == ((), ("assets/", "lib/", "priv/"))
    assert sources.late == ("config/runtime.exs", "rel/")


def test_a_file_name_no_dockerfile_can_hold() -> None:
    with pytest.raises(ProjectError, match="has a control character"):
        plan({"a\nb": ""})


def test_without_a_lock_file_dependencies_are_not_pinned() -> None:
    assert any("no mix.lock" in note for note in plan(deps='[{:jason, "~> 1.4"}]').notes)
    assert not any("no mix.lock" in note for note in plan().notes)


def test_hex_is_installed_where_there_are_dependencies_and_the_image_has_none() -> None:
    jason = '[{:jason, "~> 1.4"}]'
    assert plan(deps=jason).builder.install_hex
    assert not plan().builder.install_hex
    # Mix asks Hex for what only development and tests need, too, before it leaves it out.
    assert plan(deps='[{:credo, "~> 1.7", only: [:dev, :test]}]').builder.install_hex
    assert not plan(deps='[{:mine, git: "https://git.example.com/mine.git", only: :dev}]').builder.install_hex
    on_debian = plan(deps=jason, config="toolchain: debian\ndebian: trixie\n")
    assert (on_debian.builder.install_hex, "erlang-hex" in on_debian.builder.packages) == (False, True)


def test_only_what_is_built_for_production_counts() -> None:
    assert not plan(deps='[{:credo, "~> 1.7", only: [:dev, :test]}]').has_dependencies


def test_an_umbrellas_applications_have_a_say_in_the_elixir() -> None:
    def mixfile(name: str, elixir: str) -> str:
        return (
            f"defmodule {name}.MixProject do\n  use Mix.Project\n"
            f'  def project, do: [{elixir}version: "1.0.0", '
            + ('apps_path: "apps", releases: [u: [applications: [a: :permanent]]]]' if name == "U" else "app: :a]")
            + "\nend\n"
        )

    for root, child, version in (("", '"~> 1.17.0"', "1.17"), ('"~> 1.15"', '"~> 1.17.0"', "1.17")):
        tree = DictTree(
            {
                "mix.exs": mixfile("U", f"elixir: {root}, " if root else ""),
                "apps/a/mix.exs": mixfile("A", f"elixir: {child}, "),
            }
        )
        found = make_plan(project.read_project(tree), Config(), tree).toolchain.elixir
        assert found is not None
        assert found.value.startswith(f"{version}.")


def test_each_requirement_on_elixir_is_told_with_its_file() -> None:
    def made(*requirements: str) -> Plan:
        mix = 'defmodule M do\n  use Mix.Project\n  def project, do: [version: "1.0.0", OPTIONS]\nend\n'
        files = {"mix.exs": mix.replace("OPTIONS", 'apps_path: "apps", releases: [u: [applications: [a: :permanent]]]')}
        for app, requirement in zip("abcd", requirements, strict=False):
            files[f"apps/{app}/mix.exs"] = mix.replace("OPTIONS", f"app: :{app}, elixir: {requirement}")
        tree = DictTree(files)
        return make_plan(project.read_project(tree), Config(), tree)

    elixir = made('"~> 1.18.0"', '"~> 1.14"', '"~> 1.18.0"', '"~> 1.13 or ~> 1.17"').toolchain.elixir
    assert elixir is not None
    assert (elixir.value.rpartition(".")[0], elixir.source) == (
        "1.18",
        "apps/a/mix.exs:3 (~> 1.18.0) and apps/b/mix.exs:3 (~> 1.14) and apps/d/mix.exs:3 (~> 1.13 or ~> 1.17)",
    )
    with pytest.raises(ProjectError) as raised:
        made('"~> 1.18.0"', '"~> 1.17.0 or ~> 1.16.0"')
    assert str(raised.value) == (
        "relbuild knows no Elixir that is allowed by apps/a/mix.exs:3 (~> 1.18.0) and apps/b/mix.exs:3 (~> 1.17.0 or "
        "~> 1.16.0)"
    )
    half = made("version()", '"~> 1.17.0"')
    assert half.toolchain.elixir is not None
    assert half.toolchain.elixir.source == "apps/b/mix.exs:3 (~> 1.17.0)"
    assert [note for note in half.notes if "requires" in note] == [
        "apps/a/mix.exs:3: the Elixir it requires is unknown: `version()`: only Elixir can evaluate version/0"
    ]


def test_what_is_pinned_is_held_against_each_requirement() -> None:
    mix = 'defmodule M do\n  use Mix.Project\n  def project, do: [version: "1.0.0", elixir: "REQUIRED", OPTIONS]\nend\n'
    umbrella = 'apps_path: "apps", releases: [u: [applications: [a: :permanent]]]'
    tree = DictTree(
        {
            "mix.exs": mix.replace("OPTIONS", umbrella).replace("REQUIRED", "~> 1.15"),
            "apps/a/mix.exs": mix.replace("OPTIONS", "app: :a").replace("REQUIRED", "~> 1.17"),
        }
    )
    for config, message in (
        ("elixir: 1.16.3", "relbuild.yml:1 asks for Elixir 1.16.3, apps/a/mix.exs:3 (~> 1.17) does not allow it"),
        (
            "toolchain: debian\ndebian: bookworm",
            "mix.exs:3 (~> 1.15) and apps/a/mix.exs:3 (~> 1.17) do not allow Elixir 1.14.0, which Debian bookworm has",
        ),
    ):
        with pytest.raises(RelbuildError) as raised:
            make_plan(project.read_project(tree), parse(config.encode()), tree)
        assert str(raised.value) == message


def test_that_deps_cant_be_read_is_said_with_what_follows() -> None:
    lock = '%{\n  "jason": {:hex, :jason, "1.4.4", "CHECK", [:mix], [], "hexpm", "CHECK"},\n}\n'.replace(
        "CHECK", "0" * 64
    )
    note = (
        "which dependencies are fetched isn't known, as deps can't be read (mix.exs:8): all that nothing else in "
        "mix.lock explains is taken for needed, what only tests need too"
    )
    unread = plan({"mix.lock": lock}, deps='[{:jason, "~> 1.4"} | System.get_env("DEPS")]')
    assert note in unread.notes
    assert note not in plan({"mix.lock": lock}, deps='[{:jason, "~> 1.4"}]').notes


@pytest.mark.parametrize(
    ("base", "native"),
    [("slim", {"packages"}), ("minimal", {"packages"}), ("registry.example.com/base:1", set())],
)
def test_an_emulated_build_needs_the_builders_platform_of_debians_image_alone(base: str, native: set[str]) -> None:
    """An image of one's own may be there for no other platform than the one all is built on, emulated."""
    config = f"toolchain: debian\nplatforms: [linux/arm64]\nbuilder: {{emulate: true}}\nrunner: {{base: '{base}'}}\n"
    text = render_dockerfile(plan(config=config))
    assert set(re.findall(r"^FROM --platform=\$BUILDPLATFORM .* AS (\w+)$", text, re.MULTILINE)) == native
