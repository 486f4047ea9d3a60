"""What Distillery put into the configuration at boot is read there by the release's own configuration."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from relbuild.convert.settings import Moved, moved
from relbuild.errors import ProjectError
from relbuild.init.change import Overlay

CONFIG, PROD = "config/config.exs", "config/prod.exs"


class Nothing:
    """An empty directory."""

    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def convert(files: Mapping[str, str]) -> Moved:
    return moved(Overlay(Nothing(), files))


def look(found: Moved) -> list[str]:
    return [f"{each.at}: {each.message}" for each in found.look]


def runtime(value: str) -> str:
    """Return what becomes of `config :a, k: VALUE`."""
    found = convert({CONFIG: f"config :a, k: {value}\n"})
    assert found.files == {CONFIG: ""}
    assert found.look == ()
    return "\n".join(found.runtime)


def left(config: str, *, told: bool = False) -> str:
    """Return what is left of a configuration."""
    found = convert({CONFIG: config})
    assert bool(found.look) is told
    return dict(found.files).get(CONFIG, config)


def test_there_is_nothing_to_move() -> None:
    assert convert({}) == Moved({}, (), ())
    assert convert({CONFIG: 'config :a, x: "$X"\n'}) == Moved({}, (), ())


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ('"${X}"', 'System.fetch_env!("X")'),
        ("'${X}'", 'String.to_charlist(System.fetch_env!("X"))'),
        ('~c"${X}"', 'String.to_charlist(System.fetch_env!("X"))'),
        ('"https://${X}/a\\n${Y}\\""', '"https://#{System.fetch_env!("X")}/a\\n#{System.fetch_env!("Y")}\\""'),
        ("'a${X}'", '~c"a#{System.fetch_env!("X")}"'),
        (r"""['it\'s', 'a\""#\n${X}']""", r"""[~c"it's", ~c"a\"\"#\n#{System.fetch_env!("X")}"]"""),
        (r'"\${X}\\${Y}\#{"', r'"#{System.fetch_env!("X")}\\#{System.fetch_env!("Y")}\#{"'),
        ("~s(${X})", 'System.fetch_env!("X")'),
        ("~s(<${X}>)", '~s(<#{System.fetch_env!("X")}>)'),
        ("~S(<${X}>)", '~s(<#{System.fetch_env!("X")}>)'),
        ("~C(<${X}>)", '~c(<#{System.fetch_env!("X")}>)'),
        (':"a@${X}"', ':"a@#{System.fetch_env!("X")}"'),
        ('"a" <> "${X}"', '"a" <> System.fetch_env!("X")'),
        ('["a", "${X}"]', '["a", System.fetch_env!("X")]'),
        ('[:inet6, port: "${X}"]', '[:inet6, port: System.fetch_env!("X")]'),
        ('[{:b, "${X}"}, {:c, -1}]', '[{:b, System.fetch_env!("X")}, {:c, -1}]'),
        ('{Mod, ["${X}", 1.5, nil, true, ?a]}', '{Mod, [System.fetch_env!("X"), 1.5, nil, true, ?a]}'),
        ('%{"b" => "${X}", c: 1}', '%{"b" => System.fetch_env!("X"), c: 1}'),
        ('[b: [c: "${X}"]]', '[b: [c: System.fetch_env!("X")]]'),
        ('"a\n${X}\\\n  b"', '"a\\n#{System.fetch_env!("X")}  b"'),
    ],
)
def test_a_value_stays_what_it_was(value: str, becomes: str) -> None:
    assert runtime(value) == f"config :a, k: {becomes}"


def test_a_heredoc_keeps_its_lines() -> None:
    assert runtime('"""\n    a ${X}\n\n      b\n    """') == (
        'config :a,\n  k: """\n  a #{System.fetch_env!("X")}\n\n    b\n  """'
    )


def test_a_list_of_several_lines_keeps_them_and_its_comments() -> None:
    assert runtime('[\n    # first\n    "${X}", # behind\n    {1,\n      2}\n    # last\n  ]') == (
        'config :a,\n  k: [\n    # first\n    # behind\n    System.fetch_env!("X"),\n    {1, 2}\n    # last\n  ]'
    )


def test_a_line_is_not_too_long() -> None:
    text = "a" * 70
    assert runtime(f'"{text}${{X}}"') == f'config :a,\n  k:\n    "{text}#{{System.fetch_env!("X")}}"'
    assert runtime(f'["{text}", "${{X}}"]') == (
        f'config :a,\n  k: [\n    "{text}",\n    System.fetch_env!("X")\n  ]'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("config", "after"),
    [
        ('config :a, k: 1, b: "${X}", c: "${Y}"\n', "config :a, k: 1\n"),
        ('config :a, b: "${X}", k: 1, c: "${Y}", d: 2 # d\n', "config :a, k: 1, d: 2 # d\n"),
        ('config(:a, k: 1, b: "${X}")\n', "config(:a, k: 1)\n"),
        ('config(:a,\n  k: 1,\n  b: "${X}"\n)\n', "config(:a,\n  k: 1\n)\n"),
        ('config(:a, [k: 1,\n  b: "${X}"])\n', "config(:a, [k: 1])\n"),
        ('config :a, K, [\n  b: "${X}",\n  k: 1,\n]\n', "config :a, K, [\n  k: 1,\n]\n"),
        ('config :a, K, [\n  k: 1,\n  b: "${X}",\n]\n', "config :a, K, [\n  k: 1,\n]\n"),
        ('config :a,\n  # b\n  b: "${X}", # x\n  k: 1\n', "config :a,\n  # b\n  # x\n  k: 1\n"),
        ('config :a,\n  k: 1, # k\n  b: "${X}" # x\n', "config :a,\n  k: 1 # k\n  # x\n"),
        ('config :a,\n  k: 1,\n  # b\n  b: "${X}"\n', "config :a,\n  k: 1\n  # b\n"),
        ('config :a, b: "${X}",\n  k: 1\n', "config :a,\n  k: 1\n"),
        ('config :a, K, u: [h: "${X}", p: 1], v: [w: [h: "${X}"]]\n', "config :a, K, u: [p: 1]\n"),
        ('config :a, K, u: [], h: "${X}"\n', "config :a, K, u: []\n"),
    ],
)
def test_what_has_to_move_moves_and_all_else_stays(config: str, after: str) -> None:
    assert left(config) == after


def test_an_emptied_call_goes_with_its_comments() -> None:
    config = 'import Config\n\n# kept\n\n# gone\n# too\nconfig :a, K, u: [h: "${X}"] # here\n\nconfig :b, k: 1\n'
    assert left(config) == "import Config\n\n# kept\n\nconfig :b, k: 1\n"
    assert left('use Mix.Config\n\nconfig :a, "k w": "${X}"') == "use Mix.Config\n"
    assert left('config :a, :k, "${X}"\nconfig :b, k: 1\n') == "config :b, k: 1\n"


def test_line_ends_and_the_mark_at_the_start_stay() -> None:
    config = '\ufeffimport Config\r\n\r\n# b\r\nconfig :a,\r\n  b: "${X}",\r\n  k: 1\r\n\r\nconfig :c, d: "é${Y}"\r\n'
    found = convert({CONFIG: config})
    assert found.files == {CONFIG: "\ufeffimport Config\r\n\r\n# b\r\nconfig :a,\r\n  k: 1\r\n"}
    assert found.runtime == ('config :a, b: System.fetch_env!("X")', "", 'config :c, d: "é#{System.fetch_env!("Y")}"')


REGISTRY = {
    CONFIG: """use Mix.Config

config :depot, ecto_repos: [Depot.Repo]

config :depot, DepotWeb.Endpoint,
  url: [host: "localhost"],
  render_errors: [view: DepotWeb.ErrorView]

import_config "#{Mix.env()}.exs"
""",
    PROD: """use Mix.Config

config :depot,
  tmp_dir: "/var/tmp",
  secret: "${DEPOT_SECRET}",
  cdn_url: "${DEPOT_CDN}"

# Behind a proxy.
config :depot, DepotWeb.Endpoint,
  http: [port: "${DEPOT_PORT}", compress: true],
  url: [host: "${DEPOT_HOST}", scheme: "https", port: 443],
  secret_key_base: "${DEPOT_SECRET_KEY_BASE}"

config :depot, Depot.Mailer,
  adapter: Bamboo.SMTPAdapter,
  server: {:system, "DEPOT_SMTP"}

config :depot, Depot.Repo,
  url: "${DEPOT_DATABASE_URL}",
  pool_size: 20

config :sentry, dsn: "${DEPOT_SENTRY}", environment_name: :prod

config :kernel,
  inet_dist_listen_min: "${BEAM_PORT}",
  inet_dist_listen_max: "${BEAM_PORT}"
""",
    "config/dev.exs": 'use Mix.Config\nconfig :depot, secret: "${NOT_READ}"\n',
    "lib/depot/cdn.ex": """defmodule Depot.CDN do
  @url Application.get_env(:depot, :cdn_url)
  @repo Application.compile_env!(:depot, [Depot.Repo, :url])
  @dir Application.get_env(:depot, :tmp_dir)

  def secret, do: Application.fetch_env!(:depot, :secret)
end
""",
}


def test_a_phoenix_project() -> None:
    found = convert(REGISTRY)
    assert (
        "\n".join(found.runtime)
        == """\
config :depot,
  secret: System.fetch_env!("DEPOT_SECRET"),
  cdn_url: System.fetch_env!("DEPOT_CDN")

config :depot, DepotWeb.Endpoint,
  http: [port: System.fetch_env!("DEPOT_PORT")],
  url: [host: System.fetch_env!("DEPOT_HOST")],
  secret_key_base: System.fetch_env!("DEPOT_SECRET_KEY_BASE")

config :depot, Depot.Repo, url: System.fetch_env!("DEPOT_DATABASE_URL")

config :sentry, dsn: System.fetch_env!("DEPOT_SENTRY")"""
    )
    assert found.files == {
        PROD: """use Mix.Config

config :depot,
  tmp_dir: "/var/tmp"

# Behind a proxy.
config :depot, DepotWeb.Endpoint,
  http: [compress: true],
  url: [scheme: "https", port: 443]

config :depot, Depot.Mailer,
  adapter: Bamboo.SMTPAdapter,
  server: {:system, "DEPOT_SMTP"}

config :depot, Depot.Repo,
  pool_size: 20

config :sentry, environment_name: :prod

config :kernel,
  inet_dist_listen_min: "${BEAM_PORT}",
  inet_dist_listen_max: "${BEAM_PORT}"
"""
    }
    early = "the kernel reads it before config/runtime.exs is read"
    late = "while it is compiled, and its value is known only when the release starts"
    assert look(found) == [
        "config/prod.exs:10:10: :depot, DepotWeb.Endpoint, http, port is the text of ${DEPOT_PORT}",
        "config/prod.exs:16:11: {:system, …} is read by the library that knows such a tuple, or by none: DEPOT_SMTP",
        f"config/prod.exs:25:3: ${{BEAM_PORT}} stays in :kernel, inet_dist_listen_min: {early}",
        f"config/prod.exs:26:3: ${{BEAM_PORT}} stays in :kernel, inet_dist_listen_max: {early}",
        f"lib/depot/cdn.ex:2:8: Depot.CDN reads :cdn_url of :depot {late}",
        f"lib/depot/cdn.ex:3:9: Depot.CDN reads Depot.Repo of :depot {late}",
    ]
    assert [each.hint for each in found.look] == [
        "it was text with Distillery too; put String.to_integer(…) around it where a number is wanted",
        'where it is none, write in config/runtime.exs what the same keys have, with System.get_env("NAME") in place '
        "of the tuple",
        'write in rel/env.sh.eex: export ELIXIR_ERL_OPTIONS="$ELIXIR_ERL_OPTIONS -kernel inet_dist_listen_min '
        "$BEAM_PORT\"; or have the release's options say reboot_system_after_config: true",
        'write in rel/env.sh.eex: export ELIXIR_ERL_OPTIONS="$ELIXIR_ERL_OPTIONS -kernel inet_dist_listen_max '
        "$BEAM_PORT\"; or have the release's options say reboot_system_after_config: true",
        "read it in a function, with Application.fetch_env!(:depot, :cdn_url)",
        "read it in a function, with Application.fetch_env!(:depot, Depot.Repo)",
    ]


def test_what_is_read_by_a_short_name_or_the_module_s_own() -> None:
    found = convert(
        {
            CONFIG: 'config :a, A.Mailer, from: "${X}"\nconfig :a, A.Other, from: "${Y}"\n',
            "lib/a.ex": "defmodule A.Mailer do\n  alias A.Other\n  @a Application.get_env(:a, __MODULE__)[:from]\n"
            "  @b Application.fetch_env!(:a, Other)\n  @c Application.get_env(:a, Else)\n"
            "  defmacro m, do: Application.get_env(:a, Other)\nend\n",
            "lib/broken.ex": "defmodule Application._env do",
        }
    )
    assert [str(each.at) for each in found.look] == ["lib/a.ex:3:6", "lib/a.ex:4:6"]


def test_an_umbrella_s_applications() -> None:
    files = {
        CONFIG: 'import Config\nimport_config "../apps/*/config/config.exs"\nimport_config "#{config_env()}.exs"\n',
        PROD: 'import Config\nconfig :web, host: "${HOST}"\n',
        "apps/web/config/config.exs": 'import Config\nconfig :web, host: "${OLD}", path: "${PATH_}"\n',
        "apps/web/lib/web.ex": "defmodule Web do\n  @path Application.compile_env(:web, :path)\nend\n",
    }
    found = convert(files)
    assert found.files == {
        PROD: "import Config\n",
        "apps/web/config/config.exs": "import Config\n",
    }
    assert found.runtime == (
        "config :web,",
        '  path: System.fetch_env!("PATH_"),',
        '  host: System.fetch_env!("HOST")',
    )
    assert [str(each.at) for each in found.look] == ["apps/web/config/config.exs:2:14", "apps/web/lib/web.ex:2:9"]
    # What the root doesn't import can't take the place of what the root says; Phoenix' loop imports it.
    loop = (
        'for c <- "../apps/*/config/config.exs" |> Path.expand(__DIR__) |> Path.wildcard() do\n  import_config c\nend'
    )
    for imports, variable in (("", "HOST"), (f"{loop}\n", "HOST"), (f'import_config "prod.exs"\n{loop}\n', "OLD")):
        found = convert({**files, CONFIG: f'{imports}import_config "prod.exs"\n'})
        assert f'host: System.fetch_env!("{variable}")' in "\n".join(found.runtime)


def test_the_last_that_prod_reads_wins() -> None:
    found = convert(
        {
            CONFIG: 'config :a, x: "${A}", y: "lit", z: [p: "${P}", q: "${Q}"]\nimport_config "prod.exs"\n'
            'config :a, :w, "after"\n',
            PROD: 'config :a, x: "lit", y: "${B}", z: [p: 1], w: "${W}"\nimport_config "missing.exs"\n',
        }
    )
    assert found.files == {
        CONFIG: 'config :a, y: "lit"\nimport_config "prod.exs"\nconfig :a, :w, "after"\n',
        PROD: 'config :a, x: "lit", z: [p: 1]\nimport_config "missing.exs"\n',
    }
    assert found.runtime == ("config :a,", '  z: [q: System.fetch_env!("Q")],', '  y: System.fetch_env!("B")')
    assert look(found) == [
        "config/config.exs:1:12: ${A} is not read for :a, x: config/prod.exs:1 sets it after that",
        "config/config.exs:1:37: ${P} is not read for :a, z, p: config/prod.exs:1 sets it after that",
        "config/prod.exs:1:44: ${W} is not read for :a, w: config/config.exs:3 sets it after that",
    ]


def test_files_that_may_be_missing_are_read_where_they_are_there() -> None:
    found = convert(
        {
            CONFIG: 'if File.exists?("config/s.exs") do\n  import_config "s.exs"\nend\nimport_config file()\n',
            "config/s.exs": 'config :a, x: "${X}"\n',
        }
    )
    assert found.runtime == ('config :a, x: System.fetch_env!("X")',)
    assert look(found) == [
        "config/config.exs:4:1: which files it imports can't be told, so nothing was moved out of them"
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('config :a, x: System.get_env("A") || "${X}"', "1:12: ${X} stays in :a, x: its value has `||` in it"),
        ('config :a, x: [f("${X}")]', "1:12: ${X} stays in :a, x: its value has a call of f in it"),
        ('config :a, x: ["${X}", y]', "1:12: ${X} stays in :a, x: its value has `y` in it"),
        ('config :a, x: "${X}#{1}"', "1:12: ${X} stays in :a, x: its value has an interpolation in it"),
        ('config :a, x: %S{x: "${X}"}', "1:12: ${X} stays in :a, x: its value has a struct in it"),
        ("config :a, x: ~w(a ${X})", "1:12: ${X} stays in :a, x: its value has a sigil ~w in it"),
        (r"config :a, x: ~S(\d${X})", "1:12: ${X} stays in :a, x: its value has a sigil ~S in it"),
        ('config :a, K, x: "${X:-s3cret}"', "1:15: ${X} stays in :a, K, x: a ${…} in it is no variable's plain name"),
        ('config :a, K, x: "${}"', "1:15: ${…} stays in :a, K, x: a ${…} in it is no variable's plain name"),
        ('config :a, "${X}": 1', "1:1: ${X} stays in :a: its keys can't be told"),
        ('config :a, x: "${X}", x: 1', "1:1: ${X} stays in :a: its keys can't be told"),
        ('config a, x: "${X}"', "1:14: ${X} stays: it stands in no value of a plain `config` call"),
        ('x = "${X}"', "1:5: ${X} stays: it stands in no value of a plain `config` call"),
        (
            'if Mix.env() == :prod do\n  config :a, x: "${X}"\nend',
            "2:14: ${X} stays in :a, x: it is set under a condition",
        ),
        (
            'config :a, x: "${X}"; config :b, y: 1',
            "1:12: ${X} stays in :a, x: there is more on its line than the `config` call",
        ),
        (
            'config :a, x: "${X}"\nif y(), do: config(:a, x: 1)',
            "1:12: ${X} stays in :a, x: config/config.exs:2 may set it after that, under a condition",
        ),
        (
            'config :a, x: [y: "${X}"]\nconfig :a, x: z()',
            "1:16: ${X} stays in :a, x, y: config/config.exs:2 may set it after that, with a value that is computed",
        ),
        (
            'config :logger, compile_time_purge_level: "${X}"',
            "1:17: ${X} stays in :logger, compile_time_purge_level: Logger reads it while the code is compiled, when "
            "nothing of the environment is known",
        ),
    ],
)
def test_what_a_person_has_to_move(config: str, message: str) -> None:
    found = convert({CONFIG: config})
    assert look(found) == [f"config/config.exs:{message}"]
    assert found.files == {}
    assert found.runtime == ()


def test_the_line_to_write_has_no_value_in_it() -> None:
    found = convert({CONFIG: 'config :a, K, u: [v: "s3cret" |> f("${X}${Y:-s3cret}")], w: {:system, "W", "s3cret"}\n'})
    assert [each.hint for each in found.look] == [
        'write in config/runtime.exs, with System.fetch_env!("X"), System.fetch_env!("Y"): config :a, K, u: [v: …]',
        'where it is none, write in config/runtime.exs what the same keys have, with System.get_env("NAME") in place '
        "of the tuple",
    ]
    assert "s3cret" not in repr(found)


def test_a_file_that_is_no_elixir() -> None:
    with pytest.raises(ProjectError, match=r"config/prod.exs: syntax error"):
        convert({CONFIG: 'import_config "#{Mix.env()}.exs"', PROD: "config :a, ["})
    with pytest.raises(ProjectError, match="nested too deeply"):
        convert({CONFIG: f'config :a, x: {"[" * 2000}"${{X}}"{"]" * 2000}\n'})


def test_tuples_for_the_environment_are_told_once_for_a_file() -> None:
    tuples = ", ".join(f'k{number}: {{:system, "V{number}"}}' for number in range(1, 8))
    found = convert({CONFIG: f'import_config "prod.exs"\nconfig :a, {tuples}\n', PROD: f"config :b, {tuples}\n"})
    message = "{:system, …} is read by the library that knows such a tuple, or by none: V1, V2, V3, V4, V5 and 2 more"
    assert look(found) == [f"{CONFIG}:2:16: {message}", f"{PROD}:1:16: {message}"]
