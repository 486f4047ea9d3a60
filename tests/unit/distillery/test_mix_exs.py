"""What mix.exs says of releases that Distillery made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

After = Callable[..., dict[str, str | None]]
Told = Callable[..., list[str]]

PLAIN = ["include_executables_for: [:unix]"]


def options(text: str | None) -> list[str]:
    """Return the lines of the only release's options."""
    lines = [line.strip() for line in (text or "").split("\n")]
    return lines[lines.index("shop: [") + 1 : lines.index("],", lines.index("shop: [")) - 1]


@pytest.mark.parametrize(
    ("release", "environment", "said"),
    [
        ("set version: current_version(:shop)", "set include_erts: true", PLAIN),
        ('set version: "1.2.0"', "", PLAIN),
        ('set version: "9.0.0"', "", [*PLAIN, 'version: "9.0.0"']),
        ("set(version: current_version(:other))", "", [*PLAIN, "version: {:from_app, :other}"]),
        ("set include_erts: true", "set include_erts: false", [*PLAIN, "include_erts: false"]),
        ('set include_erts: "/opt/erlang"', "", [*PLAIN, 'include_erts: "/opt/erlang"']),
        ("set strip_debug_info: false", "", [*PLAIN, "strip_beams: false"]),
        ("set strip_debug_info: true", "set include_erts: nil", PLAIN),
        ("set applications: [:shop, :logger, :distillery]", "", PLAIN),
        (
            "set [applications: [:runtime_tools, shop: :transient]]",
            "",
            [*PLAIN, "applications: [", "runtime_tools: :permanent,", "shop: :transient", "]"],
        ),
    ],
)
def test_only_what_mix_would_not_do_by_itself_is_written(
    after: After, release: str, environment: str, said: list[str]
) -> None:
    written = options(after(release, environment)["mix.exs"])
    expected = [
        f"{line}," if number < len(said) and line[-1] not in "[,:" else line for number, line in enumerate(said, 1)
    ]
    assert written == [line if not line.startswith("shop: :") else line.rstrip(",") for line in expected]


def test_several_releases_have_a_default(after: After) -> None:
    config = "use Mix.Releases.Config, default_release: :default\nrelease :b do\nend\nrelease :a do\nend\n"
    mix = after(files={"rel/config.exs": config})["mix.exs"]
    assert mix is not None
    assert mix.index("default_release: :b,") < mix.index("releases: [") < mix.index("b: [") < mix.index("a: [")


def test_releases_that_are_there_stay(after: After, convert: Any) -> None:
    mix = (
        "defmodule Shop.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop, version: "1.0.0", releases: [a: []], deps: [{:distillery, "~> 2.0"}]]\nend\n'
    )
    changed = after("set version: computed()", files={"mix.exs": mix})["mix.exs"]
    assert changed == mix.replace('{:distillery, "~> 2.0"}', "")


def test_a_project_that_is_no_plain_list_gets_lines_to_add(convert: Any) -> None:
    mix = (
        "defmodule Shop.MixProject do\n  use Mix.Project\n"
        '  def project, do: Keyword.merge([app: :shop, version: "1.0.0"], deps: [{:distillery, "~> 2.0"}])\nend\n'
    )
    [problem] = [each for each in convert(files={"mix.exs": mix}).look if each.at.file == "mix.exs"]
    assert (str(problem.at), problem.hint) == (
        "mix.exs:3:3",
        "add to it:\nreleases: [\n  shop: [\n    include_executables_for: [:unix]\n  ]\n],\nthen relbuild convert "
        "removes rel/config.exs and what it names, which stay until mix.exs has its releases",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("set applications: apps()", "rel/config.exs:8:5: applications can't be read without running Elixir"),
        ('set version: System.get_env("V") <> "x"', "rel/config.exs:8:5: version can't be read without running Elixir"),
        ("if true do\nend", "rel/config.exs:8:1: this can't be read without running Elixir: `if true do end`"),
        ("set executable: true", "rel/config.exs:8:5: mix release has no executable"),
        ("plugin Shop.Plugin", "rel/config.exs:8:1: mix release has no plugins: Shop.Plugin"),
        ('set post_start_hooks: "rel/x"', "rel/config.exs:8:5: mix release runs no post_start hook: rel/x"),
    ],
)
def test_what_cannot_be_taken_over_is_told(told: Told, settings: str, message: str) -> None:
    [only] = told(settings)
    assert only.startswith(message)


def test_an_elixir_without_releases_is_told(told: Told) -> None:
    mix = (
        'defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: "1.0.0", '
        'elixir: "~> 1.6", deps: [{:distillery, "~> 1.5"}]]\nend\n'
    )
    assert told(files={"mix.exs": mix}) == [
        'mix.exs:3:59: elixir: "~> 1.6" allows versions before 1.9, the first with mix release'
    ]


@pytest.mark.parametrize(
    ("elixir", "written", "look"),
    [
        (
            "1.10.4-otp-22",
            {"config/releases.exs": 'import Config\n\nconfig :shop, key: System.fetch_env!("KEY")\n'},
            [],
        ),
        (
            "1.18.4-otp-27",
            {
                "config/runtime.exs": (
                    'import Config\n\nif config_env() == :prod do\n  config :shop, key: System.fetch_env!("KEY")\nend\n'
                )
            },
            [],
        ),
        ("1.7.1", {}, [".tool-versions:1:8: Elixir 1.7.1 has no mix release: that came with 1.9"]),
    ],
)
def test_the_configuration_at_boot_is_that_of_the_elixir(
    convert: Any, elixir: str, written: dict[str, str], look: list[str]
) -> None:
    config = 'import Config\nconfig :shop, key: "${KEY}"\n'
    conversion = convert(files={"config/config.exs": config, ".tool-versions": f"elixir {elixir}\n"})
    made = {each.path: each.after for each in conversion.changes if each.path.startswith("config/r")}
    found = [f"{each.at}: {each.message}" for each in conversion.look]
    assert (made if written else {}, [each for each in found if not each.startswith("config/")]) == (written, look)
    file = next(iter(written), "config/runtime.exs")
    assert f"config/config.exs:2:15: {file} sets :shop, key from ${{KEY}}" in found


def test_what_is_there_is_added_to(after: After) -> None:
    config = 'import Config\nconfig :shop, key: "${KEY}"\n'
    there = "import Config\n\nconfig :shop, mine: true\n"
    changed = after(files={"config/config.exs": config, "config/runtime.exs": there})
    assert changed["config/runtime.exs"] == (
        f'{there}\nif config_env() == :prod do\n  config :shop, key: System.fetch_env!("KEY")\nend\n'
    )


def test_nothing_is_written_outside_of_the_project(convert: Any) -> None:
    mix = (
        'defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: "1.0.0",\n'
        '    config_path: "../../config/config.exs", deps: [{:distillery, "~> 2.0"}]]\nend\n'
    )
    settings = (
        'set overlays: [{:copy, "rel/c.exs", "etc/c.exs"}], vm_args: "../vm.args"\n'
        'set config_providers: [{Mix.Releases.Config.Providers.Elixir, ["${RELEASE_ROOT_DIR}/etc/c.exs"]}]\n'
    )
    files = {
        "mix.exs": mix,
        "rel/c.exs": "use Mix.Config\nconfig :shop, a: 1\n",
        "config/config.exs": 'import Config\nconfig :shop, key: "${KEY}"\n',
        "../../config/runtime.exs": "import Config\nconfig :umbrella, there: true\n",
        "../vm.args": "+A 5\n",
    }
    conversion = convert(settings, files=files)
    changed = {each.path for each in conversion.changes}
    assert changed == {"mix.exs", "rel/config.exs", "rel/env.sh.eex", "rel/vm.args.eex"}
    [told] = [each for each in conversion.look if each.message.startswith("../../config/runtime.exs is")]
    assert (told.message, told.hint) == (
        "../../config/runtime.exs is outside of the project, and stays as it is",
        'add to it, for production alone:\nconfig :shop, key: System.fetch_env!("KEY")\n\nconfig :shop, a: 1',
    )


LOCK = '%{\n  "distillery": {:hex, :distillery, "2.1.1", "00", [:mix], [], "hexpm", "00"},\n}\n'


@pytest.mark.parametrize(
    ("deps", "places", "unlocks"),
    [
        ('[{:distillery, "~> 2.0"}]', [], True),
        ('base() ++ [{:distillery, "~> 2.0"}]', [], True),
        ('if(x(), do: [{:distillery, "1"}], else: [{:distillery, "2"}])', ["4:30", "4:58"], False),
        ('[{:distillery, "~> 2.0"} | base()]', ["4:18"], False),
        ('[{:distillery, "1"}] ++ more([{:distillery, "2"} | base()])', ["4:47"], False),
    ],
)
def test_the_lock_has_distillery_while_mix_exs_names_it(
    convert: Any, deps: str, places: list[str], unlocks: bool
) -> None:
    mix = (
        "defmodule Shop.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop, version: "1.0.0", deps: deps()]\n'
        f"  def deps, do: {deps}\nend\n"
    )
    config = {"rel/config.exs": "use Mix.Releases.Config\nrelease :shop do\nend\n"}
    conversion = convert(files={"mix.exs": mix, "mix.lock": LOCK, **config})
    assert ("mix.lock" in {each.path for each in conversion.changes}) is unlocks
    found = [str(each.at) for each in conversion.look if each.at is not None and each.at.file == "mix.exs"]
    assert found == [f"mix.exs:{place}" for place in places]


def test_an_application_that_is_named_is_told(told: Told, after: After) -> None:
    mix = (
        'defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: "1.0.0", '
        'deps: [{:distillery, "~> 2.0"}]]\n  def application, do: [extra_applications: [:logger, :distillery]]\nend\n'
    )
    assert told(files={"mix.exs": mix}) == ["mix.exs:4:55: distillery is named here, too"]


WRAPPED = (
    "defmodule Shop.MixProject do\n  use Mix.Project\n"
    '  def project, do: Keyword.merge([app: :shop, version: "1.0.0"], deps: [{:distillery, "~> 2.0"}])\nend\n'
)


def test_rel_config_stays_while_mix_exs_has_no_releases(convert: Any) -> None:
    files = {"mix.exs": WRAPPED, "rel/prod.args": "-name a@b\n+A 5\n", "rel/pre.sh": "A=1\n"}
    config = {
        "rel/config.exs": (
            "use Mix.Releases.Config\nrelease :shop do\n"
            '  set vm_args: "rel/prod.args", pre_configure_hook: "rel/pre.sh"\nend\n'
        )
    }
    first = convert(files={**files, **config})
    assert [each.path for each in first.changes if each.after is None] == []
    written = {each.path: each.after for each in first.changes}
    second = convert(files={**files, **config, **written})
    assert second.changes == ()
    assert [each.message for each in second.look] == [
        "`project` is no plain keyword list that releases could be added to"
    ]


def test_what_convert_wrote_is_not_complained_of(convert: Any) -> None:
    env = '#!/bin/sh\n# mine\nexport MINE=1\n\nexport RELEASE_DISTRIBUTION=name\n\nexport RELEASE_NODE="a@b"\n'
    conversion = convert(files={"rel/vm.args": "-name a@b\n", "rel/env.sh.eex": env, "rel/vm.args.eex": "+A 1\n"})
    assert [each.message for each in conversion.look] == []
