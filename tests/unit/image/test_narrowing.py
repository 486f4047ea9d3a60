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
        versioned=("mix.exs",),
        configuration=Configuration("config/config.exs", ("config/prod.exs",)),
        runtime=RuntimeConfiguration("config/runtime.exs", "1.0.0"),
    )


def test_nothing_of_it() -> None:
    assert narrowing({"mix.exs": mix("a").replace('"1.0.0"', "Version.read()")}) == Narrowing((), None, None)


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
