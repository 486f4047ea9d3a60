"""What starts the servers of Phoenix endpoints."""

from __future__ import annotations

import pytest

from tests.unit.image.plan.test_plan import plan

ENDPOINT = "defmodule ShopWeb.Endpoint do\n  use Phoenix.Endpoint, otp_app: :shop\nend\n"
APPLICATION = (
    "defmodule Shop.Application do\n"
    "  def start(_, _), do: Supervisor.start_link([ShopWeb.Endpoint], strategy: :one_for_one)\nend\n"
)
NOTHING = (
    "lib/shop_web/endpoint.ex:1:1: nothing starts the server of ShopWeb.Endpoint: the release boots and serves nothing"
)


def found(runtime: str, config: str = "", files: dict[str, str] | None = None) -> list[str]:
    """Return the variables that the image sets, each with its place, and the problems."""
    own = {"lib/shop_web/endpoint.ex": ENDPOINT, "lib/shop/application.ex": APPLICATION}
    paths = {**own, "config/runtime.exs": f"import Config\n{runtime}\n", **(files or {})}
    made = plan(paths, config)
    variables = [f"{each.name}={each.value} {each.at.brief}" for each in made.container.variables]
    return variables + [str(each) for each in made.problems]


@pytest.mark.parametrize(
    ("runtime", "variable"),
    [
        ('if System.get_env("PHX_SERVER"), do: config(:shop, ShopWeb.Endpoint, server: true)', "PHX_SERVER=true"),
        (
            'if System.get_env("PHX_SERVER") && System.get_env("RELEASE_NAME") do\n'
            "  config :shop, ShopWeb.Endpoint, server: true\nend",
            "PHX_SERVER=true",
        ),
        (
            'if System.get_env("PHX_SERVER") == "1" do\n  config :shop, ShopWeb.Endpoint, server: true\nend',
            "PHX_SERVER=1",
        ),
        ('config :shop, ShopWeb.Endpoint, server: System.get_env("SERVE") == "yes"', "SERVE=yes"),
        ('config :shop, ShopWeb.Endpoint, url: [host: "x"], server: System.get_env("SERVER") in ~w(on 1)', "SERVER=1"),
        ('config :shop, ShopWeb.Endpoint, server: !!System.get_env("SERVER")', "SERVER=true"),
        ('config :shop, ShopWeb.Endpoint, [server: System.get_env("ROLE") == "web"]', "ROLE=web"),
        (
            'case System.get_env("PHX_SERVER") do\n'
            '  on when on in ["on", "yes"] -> config :shop, ShopWeb.Endpoint, server: true\n  _ -> :ok\nend',
            "PHX_SERVER=on",
        ),
        (
            'unless System.get_env("PHX_SERVER") in [nil, "false"] do\n'
            "  config :shop, ShopWeb.Endpoint, server: true\nend",
            "PHX_SERVER=true",
        ),
        (
            'server? = System.get_env("PHX_SERVER") == "true"\nconfig :shop, ShopWeb.Endpoint, server: server?',
            "PHX_SERVER=true",
        ),
        (
            'if config_env() == :prod do\n  host = System.get_env("PHX_HOST") || raise("PHX_HOST")\n'
            '  if System.get_env("PHX_SERVER") && host != "" do\n'
            "    config :shop, ShopWeb.Endpoint, server: true\n  end\nend",
            "PHX_SERVER=true",
        ),
        ('if System.get_env("WEB"), do: config(:phoenix, :serve_endpoints, true)', "WEB=true"),
        ('options = if System.get_env("WEB"), do: [server: true], else: []\n'
         "config :shop, ShopWeb.Endpoint, options", "WEB=true"),
    ],
)  # fmt: skip
def test_the_variable_that_starts_the_server(runtime: str, variable: str) -> None:
    assert [each.rpartition(" ")[0] for each in found(runtime)] == [variable]


def test_where_it_is_read() -> None:
    assert found('x = 1\nif System.get_env("PHX_SERVER"), do: config(:shop, ShopWeb.Endpoint, server: true)') == [
        "PHX_SERVER=true config/runtime.exs:3"
    ]


@pytest.mark.parametrize(
    ("runtime", "files"),
    [
        ("config :shop, ShopWeb.Endpoint, server: true", {}),
        ('config :shop, ShopWeb.Endpoint, server: System.get_env("PHX_SERVER", "true") == "true"', {}),
        ('unless System.get_env("NO_SERVER"), do: config(:shop, ShopWeb.Endpoint, server: true)', {}),
        (
            "",
            {
                "config/config.exs": 'import Config\nimport_config "#{config_env()}.exs"\n',
                "config/prod.exs": "import Config\nconfig :shop, ShopWeb.Endpoint, server: true\n",
            },
        ),
        ("", {"config/config.exs": "import Config\nconfig :phoenix, serve_endpoints: true\n"}),
        # The endpoint, or what starts it, has the option.
        (
            "",
            {
                "lib/shop/application.ex": "defmodule Shop.Application do\n"
                "  def start(_, _), do: Supervisor.start_link([{ShopWeb.Endpoint, server: true}], [])\nend\n"
            },
        ),
        (
            'if System.get_env("PHX_SERVER"), do: config(:shop, ShopWeb.Endpoint, server: true)',
            {"rel/env.sh.eex": "export PHX_SERVER=true\n"},
        ),
        # What serves without Phoenix needs no option.
        ("", {"lib/shop_web/endpoint.ex": "defmodule ShopWeb.Endpoint do\n  use Plug.Router\nend\n"}),
    ],
)
def test_what_needs_no_variable(runtime: str, files: dict[str, str]) -> None:
    assert found(runtime, files=files) == []


def test_relbuild_yml_decides() -> None:
    runtime = 'if System.get_env("PHX_SERVER") == "1", do: config(:shop, ShopWeb.Endpoint, server: true)'
    assert found(runtime, "runner: {env: {PHX_SERVER: '1'}}") == []
    assert found(runtime, "runner: {env: {PHX_SERVER: 'no'}}") == []


def test_the_endpoint_of_an_umbrellas_application() -> None:
    umbrella = (
        "defmodule All.MixProject do\n  use Mix.Project\n  def project, do: "
        '[apps_path: "apps", version: "1.0.0", releases: [all: [applications: [shop_web: :permanent]]]]\nend\n'
    )
    child = (
        "defmodule ShopWeb.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop_web, version: "1.0.0"]\nend\n'
    )
    files = {
        "mix.exs": umbrella,
        "apps/shop_web/mix.exs": child,
        "apps/shop_web/lib/endpoint.ex": ENDPOINT.replace(":shop", ":shop_web"),
        "apps/shop_web/lib/application.ex": APPLICATION,
        "apps/other/mix.exs": child.replace("shop_web", "other").replace("ShopWeb", "Other"),
        "apps/other/lib/endpoint.ex": ENDPOINT.replace("ShopWeb", "Other").replace(":shop", ":other"),
        "apps/other/lib/application.ex": APPLICATION.replace("ShopWeb", "Other"),
        "config/runtime.exs": "import Config\n"
        'if System.get_env("UP"), do: config(:shop_web, ShopWeb.Endpoint, server: true)\n',
    }
    made = plan(files)
    assert [(each.name, each.value) for each in made.container.variables] == [("UP", "true")]
    assert made.problems == ()


def test_nothing_starts_the_server() -> None:
    assert found("") == [NOTHING]
    assert found("config :shop, ShopWeb.Endpoint, server: false") == [NOTHING]
    assert found("config :other, ShopWeb.Endpoint, server: true") == [NOTHING]


def test_an_endpoint_that_nothing_names_does_not_count_beside_another() -> None:
    runtime = "config :shop, ShopWeb.Endpoint, server: true"
    metrics = {"lib/shop_web/metrics.ex": ENDPOINT.replace("ShopWeb.Endpoint", "ShopWeb.MetricsEndpoint")}
    assert found(runtime, files=metrics) == []


def test_a_role_is_the_projects_own_choice() -> None:
    role = 'role = System.get_env("ROLE", "all")\n'
    served = 'if role in ["all", "web"], do: config(:shop, ShopWeb.Endpoint, server: true)\n'
    other = 'if role == "device", do: config(:shop, ShopWeb.DeviceEndpoint, server: true)\n'
    files = {
        "lib/shop_web/device.ex": ENDPOINT.replace("ShopWeb.Endpoint", "ShopWeb.DeviceEndpoint"),
        "lib/shop/devices.ex": "defmodule Shop.Devices do\n  def all, do: ShopWeb.DeviceEndpoint\nend\n",
    }
    assert found(role + served + other, files=files) == []
    worker = 'config :shop, ShopWeb.Endpoint, server: System.get_env("ROLE", "worker") == "web"'
    assert found(worker) == []
    own = {"lib/shop_web/endpoint.ex": ENDPOINT, "config/runtime.exs": f"import Config\n{worker}\n"}
    note = 'ShopWeb.Endpoint serves only when ROLE is "web"; set it in relbuild.yml: runner: {env: {ROLE: …}}'
    assert f"config/runtime.exs:2: {note}" in plan(own).notes


def test_an_endpoint_beside_one_that_serves_may_be_unclear() -> None:
    runtime = "config :shop, ShopWeb.Endpoint, server: true\nconfig :shop, ShopWeb.ApiEndpoint, server: Lib.on?()"
    files = {
        "lib/shop_web/api.ex": ENDPOINT.replace("ShopWeb.Endpoint", "ShopWeb.ApiEndpoint"),
        "lib/shop/api.ex": "defmodule Shop.Api do\n  def endpoint, do: ShopWeb.ApiEndpoint\nend\n",
    }
    assert found(runtime, files=files) == []


def test_a_value_that_the_boot_refuses_is_not_set() -> None:
    runtime = (
        'mode = case System.get_env("MODE") do\n  nil -> :worker\n  "web" -> :web\n'
        '  other -> raise "no #{other}"\nend\n'
        "if mode == :web, do: config(:shop, ShopWeb.Endpoint, server: true)"
    )
    assert found(runtime) == ["MODE=web config/runtime.exs:2"]


def test_nothing_is_set_where_variables_only_turn_the_server_off() -> None:
    files = {"config/config.exs": "import Config\nconfig :phoenix, :serve_endpoints, true\n"}
    runtime = (
        'if System.get_env("MODE") != "worker" do\n'
        '  unless System.get_env("PORT"), do: config(:shop, ShopWeb.Endpoint, server: false)\nend'
    )
    assert found(runtime, files=files) == []


def test_a_list_that_is_not_known_changes_nothing() -> None:
    runtime = "config :shop, ShopWeb.Endpoint, Lib.filter(url: [host: 1])\n"
    assert found("config :shop, ShopWeb.Endpoint, server: true\n" + runtime) == []


def test_what_is_not_known_is_said() -> None:
    known = 'config :shop, ShopWeb.Endpoint, server: Some.Library.flag(System.get_env("X"))'
    assert found(known) == [
        "config/runtime.exs:2:1: whether ShopWeb.Endpoint serves isn't known: it depends on "
        'Some.Library.flag(System.get_env("X"))'
    ]


def test_a_variable_of_the_build() -> None:
    config = 'import Config\nconfig :shop, ShopWeb.Endpoint, server: System.get_env("PHX_SERVER") == "1"\n'
    files = {"config/config.exs": config}
    assert found("", files=files) == [
        'config/config.exs:2:56: ShopWeb.Endpoint serves only when PHX_SERVER is "1" while the image is built'
    ]
    assert found("", "builder: {env: {PHX_SERVER: '1'}}", files) == []


SERVER = '#!/bin/sh\nset -eu\ncd -P -- "$(dirname -- "$0")"\nPHX_SERVER=true exec ./shop start\n'


def test_the_script_that_starts_the_server_says_what_it_needs() -> None:
    overlay = {"rel/overlays/bin/server": SERVER}
    unclear = 'if Lib.on?(System.get_env("PHX_SERVER")), do: config(:shop, ShopWeb.Endpoint, server: true)'
    assert found(unclear, files=overlay) == ["PHX_SERVER=true rel/overlays/bin/server:4"]
    # Without any endpoint, too, where something reads it.
    plain = {
        "lib/shop_web/endpoint.ex": 'defmodule Web do\n  def start, do: System.get_env("SHOP_HTTP")\nend\n',
        "rel/overlays/bin/server": '#!/usr/bin/env bash\nexport SHOP_HTTP=on RELEASE_MODE=embedded\n'
        'exec "$(dirname "$0")/shop" start\n',
    }  # fmt: skip
    assert found("", files=plain) == ["SHOP_HTTP=on rel/overlays/bin/server:3"]
    assert found("", "runner: {env: {SHOP_HTTP: off}}", plain) == []
