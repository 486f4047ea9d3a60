"""What is left out of the files that the dependencies are compiled by, and what keeps it from being left out."""

from __future__ import annotations

import pytest

from relbuild.image.plan.dependencies import Manifests
from tests.unit.image.plan.test_sources import UMBRELLA, mix, plan

CONFIG = {"config/config.exs": "import Config\n", "config/prod.exs": "", "config/runtime.exs": ""}
DEPS = 'deps: [{:jason, "~> 1.0"}]'


def manifests(files: dict[str, str], config: str = "") -> Manifests:
    return plan(files, config=config).manifests


def test_version_and_configuration() -> None:
    assert manifests({"mix.exs": mix("a"), **CONFIG}) == Manifests(("mix.exs",), configured=True, options=())


def test_nothing_of_it() -> None:
    text = mix("a").replace('"1.0.0"', "Version.read()")
    assert manifests({"mix.exs": text}) == Manifests((), configured=False, options=())


@pytest.mark.parametrize(
    "line",
    [
        'config :esbuild, cd: Path.expand("../assets", __DIR__)',
        'config :esbuild, env: %{"NODE_PATH" => [Path.expand("../deps", __DIR__), Mix.Project.build_path()]}',
        "config :sentry, root_source_code_paths: [File.cwd!()]",
        "config :a, version: Mix.Project.config()[:version]",
        'config :a, version: File.read!("VERSION")',
    ],
)
def test_whatever_a_configuration_calls_is_called_by_mix_itself(line: str) -> None:
    found = manifests({"mix.exs": mix("a"), **CONFIG, "config/prod.exs": f"import Config\n{line}\n"})
    assert found == Manifests(("mix.exs",), configured=True, options=())


@pytest.mark.parametrize(
    ("version", "independent"),
    [
        ('"1.0.0"', True),
        ('"1.0.0" # ours', True),
        ('"VERSION" |> File.read!() |> String.trim()', False),
        ('"VERSION"\n      |> File.read!()', False),
        ('"1.0." <> System.get_env("BUILD", "0")', False),
    ],
)
def test_a_version_that_is_made_of_a_string_stays(version: str, independent: bool) -> None:
    text = (
        mix("a", f"{DEPS},\n")
        .replace('version: "1.0.0"', f"version: {version}")
        .replace(f"{version},", f"{version}\n,")
    )
    found = manifests({"mix.exs": text})
    assert found.versioned == (("mix.exs",) if independent else ())
    assert [note.partition(":")[0] for note in found.notes] == (
        [] if independent else ["each new version compiles the whole project"]
    )


@pytest.mark.parametrize(
    ("line", "independent"),
    [
        ('docs: [source_ref: "v#{@version}"]', True),
        ('deps: [{:b, "~> #{@version}"}]', False),
        ("deps: [{:b, @version}]", False),
        ('description: "Version #{@version} of it"', False),
    ],
)
def test_a_version_that_something_else_depends_on_stays(line: str, independent: bool) -> None:
    text = mix("a", f"x: 1,\n {line}").replace('version: "1.0.0"', "version: @version")
    text = text.replace("use Mix.Project", 'use Mix.Project\n  @version "1.0.0"')
    assert manifests({"mix.exs": text}).versioned == (("mix.exs",) if independent else ())


def test_an_umbrellas_versions_and_configuration() -> None:
    files = {
        "mix.exs": UMBRELLA,
        "apps/a/mix.exs": mix("a"),
        "apps/b/mix.exs": mix("b").replace("APP", "b"),
        **CONFIG,
    }
    found = manifests(files)
    assert found.versioned == ("mix.exs", "apps/a/mix.exs", "apps/b/mix.exs")
    assert found.configured


def test_configuration_that_may_hold_a_secret_is_not_written_into_a_layer() -> None:
    found = manifests({"mix.exs": mix("a"), **CONFIG}, "builder: {secrets: [KEY]}\n")
    assert not found.configured
    assert "config/config.exs compiles all dependencies: it may use builder.secrets" in found.notes[0]


def test_configuration_of_an_application_without_a_known_name() -> None:
    found = manifests({"mix.exs": mix("a").replace("app: :a", "app: name()"), **CONFIG}, "release: a\n")
    assert not found.configured
    assert "`app:` in mix.exs, which is computed" in found.notes[0]


@pytest.mark.parametrize(
    ("deps", "options"),
    [
        ('{:b, "~> 1.0", app: false, compile: false}', ("b: app: false, compile: false",)),
        ('{:b, "~> 1.0", env: :dev}, {:a, "~> 1.0", manager: :rebar3}', ("a: manager: :rebar3", "b: env: :dev")),
        ('{:b, "~> 1.0", only: :test, runtime: false}', ()),
        ('{:b, "~> 1.0", system_env: System.get_env()}', None),
    ],
)
def test_options_that_dependencies_are_compiled_with(deps: str, options: tuple[str, ...] | None) -> None:
    assert manifests({"mix.exs": mix("c", f"deps: [{deps}]")}).options == options
