"""What is kept from the stages: versions, the project's own configuration, runtime.exs."""

from __future__ import annotations

import pytest

from relbuild.image.narrowing import Configuration, Narrowing, RuntimeConfiguration
from tests.unit.image.test_sources import UMBRELLA, mix, plan

CONFIG = {"config/config.exs": "import Config\n", "config/prod.exs": "", "config/runtime.exs": ""}


def narrowing(files: dict[str, str], config: str = "") -> Narrowing:
    return plan(files, config=config).narrowing


def test_all_of_it() -> None:
    assert narrowing({"mix.exs": mix("a"), **CONFIG}) == Narrowing(
        asks=False,
        versioned=("mix.exs",),
        configuration=Configuration("config/config.exs", ("config/prod.exs",)),
        runtime=RuntimeConfiguration("config/runtime.exs", "1.0.0"),
    )


def test_nothing_of_it() -> None:
    assert narrowing({"mix.exs": mix("a").replace('"1.0.0"', "Version.read()")}) == Narrowing(False, (), None, None)


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ('config :esbuild, cd: Path.expand("../assets", __DIR__)', False),
        ("config :a, A.Endpoint, url: [host: System.get_env(~s(HOST))]", False),
        ("config :a, storage: Waffle.Storage.File", False),
        ('config :a, color: "#fff", version: File.read!("VERSION")', True),
        ("# File.read!(~s(VERSION))", False),
        ("config :a, version: Mix.Project.config()[:version]", True),
        ('config :a, version: "#{File.read!("VERSION")}"', True),
        ("config :a, schema: :file.read_file(~c(x))", True),
        ('for file <- Path.wildcard("*.exs"), do: import_config(file)', True),
    ],
)
def test_a_configuration_that_asks_for_more_than_itself_is_given_to_the_dependencies_whole(
    line: str, asks: bool
) -> None:
    found = narrowing({"mix.exs": mix("a"), **CONFIG, "config/prod.exs": f"import Config\n{line}\n"})
    assert found.asks is asks
    assert (found.versioned, found.configuration is None) == (() if asks else ("mix.exs",), asks)


def test_what_is_no_configuration_stays_beside_it() -> None:
    found = narrowing({"mix.exs": mix("a"), **CONFIG, "config/schema.json": "{}"}).configuration
    assert found == Configuration("config/config.exs", ("config/prod.exs",))


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
def test_a_version_that_is_made_of_a_string_is_left_alone(version: str, independent: bool) -> None:
    text = (
        mix("a", "deps: [],\n")
        .replace('version: "1.0.0"', f"version: {version}")
        .replace(f"{version},", f"{version}\n,")
    )
    assert narrowing({"mix.exs": text}).versioned == (("mix.exs",) if independent else ())


@pytest.mark.parametrize(
    ("line", "independent"),
    [
        ('docs: [source_ref: "v#{@version}"]', True),
        ('deps: [{:b, "~> #{@version}"}]', False),
        ("deps: [{:b, @version}]", False),
        ('description: "Version #{@version} of it"', False),
    ],
)
def test_a_version_that_something_else_depends_on_is_left_alone(line: str, independent: bool) -> None:
    text = mix("a", f"x: 1,\n {line}").replace('version: "1.0.0"', "version: @version")
    text = text.replace("use Mix.Project", 'use Mix.Project\n  @version "1.0.0"')
    assert narrowing({"mix.exs": text}).versioned == (("mix.exs",) if independent else ())


def test_an_umbrellas_versions_and_configuration() -> None:
    files = {
        "mix.exs": UMBRELLA,
        "apps/a/mix.exs": mix("a"),
        "apps/b/mix.exs": mix("b").replace("APP", "b"),
        **CONFIG,
    }
    found = narrowing(files)
    assert found.versioned == ("mix.exs", "apps/a/mix.exs", "apps/b/mix.exs")
    assert found.configuration == Configuration("config/config.exs", ("config/prod.exs",))


def test_configuration_that_may_hold_a_secret_is_not_written_into_a_stage() -> None:
    assert narrowing({"mix.exs": mix("a"), **CONFIG}, "builder: {secrets: [KEY]}\n").configuration is None


def test_configuration_with_a_name_that_a_shell_would_split() -> None:
    files = {"mix.exs": mix("a"), **CONFIG, "config/a b.exs": ""}
    assert narrowing(files).configuration is None


@pytest.mark.parametrize(
    "options",
    [
        "releases: [a: [steps: [:assemble, &A.look/1]]]",
        "releases: [a: [steps: [:assemble, :tar]]]",
        'releases: [a: [runtime_config_path: "config/other.exs"]]',
        "releases: [a: options()]",
    ],
)
def test_a_release_that_may_look_at_runtime_exs_gets_it(options: str) -> None:
    assert narrowing({"mix.exs": mix("a", options), **CONFIG}).runtime is None
