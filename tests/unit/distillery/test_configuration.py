"""What Distillery put into the configuration at boot is set by config/runtime.exs, and the old lines are named."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.distillery.configuration import RuntimeSettings, runtime_settings
from relbuild.elixir.syntax import parse
from relbuild.errors import ProjectError
from relbuild.init.change import Overlay

CONFIG, PROD = "config/config.exs", "config/prod.exs"


class Nothing:
    """An empty directory."""

    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def convert(files: Mapping[str, str]) -> RuntimeSettings:
    return runtime_settings(Overlay(Nothing(), files))


def look(found: RuntimeSettings) -> list[str]:
    return [f"{each.at}: {each.message}" for each in found.look]


def test_there_is_nothing_to_convert() -> None:
    assert convert({}) == RuntimeSettings((), ())
    assert convert({CONFIG: 'config :a, x: "$X"\n'}) == RuntimeSettings((), ())


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ('"${X}"', 'System.fetch_env!("X")'),
        ("'${X}'", 'String.to_charlist(System.fetch_env!("X"))'),
        ('~c"${X}"', 'String.to_charlist(System.fetch_env!("X"))'),
        ('"https://${X}/a\\n${Y}\\""', '"https://#{System.fetch_env!("X")}/a\\n#{System.fetch_env!("Y")}\\""'),
        ("'a${X}'", "'a#{System.fetch_env!(\"X\")}'"),
        (r'"\${X}\\${Y}\#{"', r'"#{System.fetch_env!("X")}\\#{System.fetch_env!("Y")}\#{"'),
        ("~s(${X})", 'System.fetch_env!("X")'),
        ("~s(<${X}>)", '~s(<#{System.fetch_env!("X")}>)'),
        ("~S(${X})", 'System.fetch_env!("X")'),
        (':"a@${X}"', ':"a@#{System.fetch_env!("X")}"'),
        ('"a" <> "${X}"', '"a" <> System.fetch_env!("X")'),
        ('["a", "${X}"]', '["a", System.fetch_env!("X")]'),
        ('[{:b, "${X}"}, {:c, -1}]', '[{:b, System.fetch_env!("X")}, {:c, -1}]'),
        ('{Mod, ["${X}", 1.5, nil, true, ?a]}', '{Mod, [System.fetch_env!("X"), 1.5, nil, true, ?a]}'),
        ('%{"b" => "${X}", c: 1}', '%{"b" => System.fetch_env!("X"), c: 1}'),
        ('[b: [c: "${X}"]]', '[b: [c: System.fetch_env!("X")]]'),
        ('["a", # first\n    "${X}"]', '["a", # first\n    System.fetch_env!("X")]'),
    ],
)
def test_a_value_keeps_its_meaning(value: str, becomes: str) -> None:
    found = convert({CONFIG: f"config :a, k: {value}\n"})
    assert "\n".join(found.lines) == f"config :a, k: {becomes}"
    assert [each.hint for each in found.look] == ["remove this setting"]


PHOENIX = {
    CONFIG: """use Mix.Config

config :depot, DepotWeb.Endpoint,
  url: [host: "localhost"]

import_config "#{Mix.env()}.exs"
""",
    PROD: """use Mix.Config

config :depot,
  tmp_dir: "/var/tmp",
  cdn_url: "${DEPOT_CDN}"

config :depot, DepotWeb.Endpoint,
  http: [port: "${DEPOT_PORT}", compress: true],
  url: [host: "${DEPOT_HOST}", scheme: "https", port: 443]

config :depot, Depot.Mailer,
  server: {:system, "DEPOT_SMTP"}

config :kernel,
  inet_dist_listen_min: "${BEAM_PORT}"
""",
    "config/dev.exs": 'use Mix.Config\nconfig :depot, secret: "${NOT_READ}"\n',
    "lib/depot/cdn.ex": """defmodule Depot.CDN do
  @url Application.get_env(:depot, :cdn_url)
  @dir Application.get_env(:depot, :tmp_dir)
end
""",
}


def test_a_phoenix_project() -> None:
    found = convert(PHOENIX)
    assert found.lines == (
        'config :depot, cdn_url: System.fetch_env!("DEPOT_CDN")',
        'config :depot, DepotWeb.Endpoint, http: [port: System.fetch_env!("DEPOT_PORT")]',
        'config :depot, DepotWeb.Endpoint, url: [host: System.fetch_env!("DEPOT_HOST")]',
    )
    assert look(found) == [
        "config/prod.exs:5:3: config/runtime.exs sets :depot, cdn_url from ${DEPOT_CDN}",
        "config/prod.exs:8:10: config/runtime.exs sets :depot, DepotWeb.Endpoint, http, port from ${DEPOT_PORT}",
        "config/prod.exs:9:9: config/runtime.exs sets :depot, DepotWeb.Endpoint, url, host from ${DEPOT_HOST}",
        'config/prod.exs:12:11: {:system, "VAR"} works only with libraries that support it: DEPOT_SMTP',
        "config/prod.exs:15:3: :kernel, inet_dist_listen_min needs ${BEAM_PORT} before config/runtime.exs is evaluated",
        "lib/depot/cdn.ex:2:8: Depot.CDN reads :cdn_url of :depot at compile time, and config/runtime.exs sets it at "
        "boot",
    ]
    assert found.look[1].hint == (
        "remove this setting; there it is text: use String.to_integer(…) where a number is required"
    )


def test_an_umbrella_s_applications() -> None:
    files = {
        CONFIG: 'import Config\nimport_config "../apps/*/config/config.exs"\nimport_config "#{config_env()}.exs"\n',
        PROD: 'import Config\nconfig :web, host: "${HOST}"\n',
        "apps/web/config/config.exs": 'import Config\nconfig :web, host: "${OLD}", path: "${PATH_}"\n',
    }
    found = convert(files)
    assert found.lines == (
        'config :web, path: System.fetch_env!("PATH_")',
        'config :web, host: System.fetch_env!("HOST")',
    )
    assert (
        "apps/web/config/config.exs:2:14: :web, host from ${OLD} has no effect: config/prod.exs:2 sets it"
        in (look(found)[0])
    )


def test_the_last_that_prod_reads_wins() -> None:
    found = convert(
        {
            CONFIG: 'config :a, x: "${A}", y: "lit", z: [p: "${P}", q: "${Q}"]\nimport_config "prod.exs"\n'
            'config :a, :w, "after"\n',
            PROD: 'config :a, x: "lit", y: "${B}", z: [p: 1], w: "${W}"\nimport_config "missing.exs"\n',
        }
    )
    assert found.lines == (
        'config :a, z: [q: System.fetch_env!("Q")]',
        'config :a, y: System.fetch_env!("B")',
    )
    assert [each for each in look(found) if "has no effect" in each] == [
        "config/config.exs:1:12: :a, x from ${A} has no effect: config/prod.exs:1 sets it afterwards",
        "config/config.exs:1:37: :a, z, p from ${P} has no effect: config/prod.exs:1 sets it afterwards",
        "config/prod.exs:1:44: :a, w from ${W} has no effect: config/config.exs:3 sets it afterwards",
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            'config :a, x: System.get_env("A") || "${X}"',
            "1:12: :a, x needs ${X}, and isn't converted: its value has `||",
        ),
        ('config :a, x: [f("${X}")]', "1:12: :a, x needs ${X}, and isn't converted: its value has a call of f in it"),
        ('config :a, x: ["${X}", y]', "1:12: :a, x needs ${X}, and isn't converted: its value has `y` in it"),
        ('config :a, x: "${X}#{1}"', "1:12: :a, x needs ${X}, and isn't converted: its value has an interpolation"),
        ('config :a, x: %S{x: "${X}"}', "1:12: :a, x needs ${X}, and isn't converted: its value has a struct in it"),
        ("config :a, x: ~w(a ${X})", "1:12: :a, x needs ${X}, and isn't converted: its value has a sigil ~w in it"),
        (r"config :a, x: ~S(\d${X})", "1:12: :a, x needs ${X}, and isn't converted: its value has a sigil ~S in it"),
        ('config :a, K, x: "${X:-s3cret}"', "1:15: :a, K, x needs ${X}, and isn't converted: a ${…} in it isn't the"),
        ('config :a, "${X}": 1', "1:1: :a needs ${X}, and isn't converted: its keys can't be read"),
        ('config a, x: "${X}"', "1:14: ${X} is in no value of a plain `config` call"),
        ('if Mix.env() == :prod do\n  config :a, x: "${X}"\nend', "2:14: :a, x needs ${X}, and isn't converted: it is"),
        (
            'config :a, x: "${X}"\nif y(), do: config(:a, x: 1)',
            "1:12: :a, x needs ${X}, and isn't converted: config/config.exs:2 may set it afterwards, under a condition",
        ),
        (
            'config :a, x: [y: "${X}"]\nconfig :a, x: z()',
            "1:16: :a, x, y needs ${X}, and isn't converted: config/config.exs:2 may set it afterwards, with a",
        ),
        (
            'config :logger, compile_time_purge_level: "${X}"',
            "1:17: :logger, compile_time_purge_level is read at compile time, when ${X} isn't known",
        ),
        ("import_config file()", "1:1: the imported files can't be determined, so they aren't converted"),
    ],
)
def test_what_remains_to_do_by_hand(config: str, message: str) -> None:
    found = convert({CONFIG: f"{config}\n"})
    [problem] = look(found)
    assert problem.startswith(f"config/config.exs:{message}")
    assert found.lines == ()


def test_no_value_is_shown() -> None:
    found = convert({CONFIG: 'config :a, K, u: [v: "s3cret" |> f("${X}${Y:-s3cret}")], w: {:system, "W", "s3cret"}\n'})
    assert found.look[0].hint == (
        'set it in config/runtime.exs, with System.fetch_env!("X"), System.fetch_env!("Y"): config :a, K, u: [v: …]'
    )
    assert "s3cret" not in repr(found)


def test_a_file_that_is_no_elixir() -> None:
    with pytest.raises(ProjectError, match=r"config/prod.exs: syntax error"):
        convert({CONFIG: 'import_config "#{Mix.env()}.exs"', PROD: "config :a, ["})
    with pytest.raises(ProjectError, match="nested too deeply"):
        convert({CONFIG: f'config :a, {"x: [" * 2000}x: "${{X}}"{"]" * 2000}\n'})


VALUES = ('"${V}"', "'${V}'", '"//${V}/#\\n"', '["a", "${V}"]', '{"${V}", 1}', '%{"k" => "${V}"}', "1", ":x", "nil")


@given(st.dictionaries(st.sampled_from(("a", "b?", "port", '"k w"')), st.sampled_from(VALUES), min_size=1))
def test_every_variable_is_fetched_once_and_the_lines_are_elixir(settings: dict[str, str]) -> None:
    pairs = [f"{key}: {value.replace('V', f'V{number}')}" for number, (key, value) in enumerate(settings.items())]
    found = convert({CONFIG: f"config :app, Some.Key, {', '.join(pairs)}\n"})
    text = "\n".join(("import Config", *found.lines))
    parse("config/runtime.exs", text.encode())
    assert [text.count(f'fetch_env!("V{number}")') for number in range(len(pairs))] == [
        pair.count("${") for pair in pairs
    ]
