"""What reads variables beside runtime.exs: config providers, code, libraries; what isn't followed is possibly more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.mix import project
from relbuild.mix.environment import Contract, read_by_build, read_contract
from relbuild.mix.project import select_release

PROVIDER = """defmodule Shop.EnvProvider do
  @behaviour Config.Provider
  def init(names), do: names
  def load(config, names) do
    values = for name <- names, do: {:shop, [{:key, System.fetch_env!(name)}]}
    Config.Reader.merge(config, values ++ [shop: [token: token()]])
  end
  defp token, do: System.get_env("TOKEN") || raise "TOKEN is missing"
end
"""
Read = Callable[..., Contract]


def more(contract: Contract) -> list[tuple[str, str]]:
    """Return what isn't followed, with its places."""
    return [(each.what, each.at.brief) for each in contract.possibly_more]


def kinds(contract: Contract) -> dict[str, str]:
    return {each.name: each.kind for each in contract.variables}


def test_a_config_provider_of_the_project_is_followed(contract: Read) -> None:
    release = 'config_providers: [{Shop.EnvProvider, ["KEY_A", "KEY_B"]}]'
    found = contract(release=release, lib__shop__env_provider_ex=PROVIDER)
    assert kinds(found) == {"KEY_A": "required", "KEY_B": "required", "TOKEN": "required"}
    assert found.variables[2].requirements[0].message == "TOKEN is missing"
    assert more(found) == []


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        ('[{Toml.Provider, [path: "/etc/shop.toml"]}]', [("config provider Toml.Provider", "mix.exs:3")]),
        ('[{Config.Reader, "/etc/shop.exs"}]', [("config provider Config.Reader", "mix.exs:3")]),
        ("providers()", [("release shop: config_providers", "mix.exs:3")]),
        ("[]", []),
    ],
)
def test_another_one_is_named(contract: Read, providers: str, expected: list[tuple[str, str]]) -> None:
    assert more(contract(release=f"config_providers: {providers}")) == expected


def test_the_file_of_a_config_reader(contract: Read) -> None:
    system = '{:system, "RELEASE_ROOT", "/extra.exs"}'
    release = f'config_providers: [{{Config.Reader, {system}}}, {{Config.Reader, {{:system, "ETC", "/x.exs"}}}}]'
    found = contract(release=release, rel__overlays__extra_exs='System.fetch_env!("EXTRA")\n')
    assert kinds(found) == {"EXTRA": "required", "ETC": "required"}
    assert more(found) == [("config provider Config.Reader", "mix.exs:3")]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('apply(System, :fetch_env!, ["A"])', {"A": "required"}),
        ('apply(:os, :getenv, [~c"A"]) || raise("no A")', {"A": "required"}),
        ('apply(&System.fetch_env!/1, ["A"])', {"A": "required"}),
        (':os.getenv(~c"A")', {"A": "optional"}),
        ("""case :os.getenv('A') do\nfalse -> raise "no A"\nvalue -> value\nend""", {"A": "required"}),
        ('["A", "B"] |> Enum.map(&System.fetch_env!/1)', {"A": "required", "B": "required"}),
        ("Map.new(~w(A B), fn name -> {name, System.fetch_env!(name)} end)", {"A": "required", "B": "required"}),
        ('Enum.into(["A"], %{}, &{&1, System.get_env(&1)})', {"A": "optional"}),
        ('mod = System\nmod.fetch_env!("A")', {"A": "required"}),
        ('Map.take(System.get_env(), ["A", "B"])', {"A": "optional", "B": "optional"}),
        ('System.get_env() |> Map.fetch!("A")', {"A": "required"}),
    ],
)
def test_a_read_that_is_followed(contract: Read, expression: str, expected: dict[str, str]) -> None:
    found = contract(expression)
    assert (kinds(found), more(found)) == (expected, [])


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("apply(System, fun, args)", "`apply(System, fun, args)`"),
        ("Some.lib(&System.fetch_env!/1)", "the variable named by `System.fetch_env!/1`"),
        ("config :shop, env: System.get_env()", "`System.get_env()`"),
        ('System.get_env() |> Enum.filter(fn {name, _} -> String.starts_with?(name, "A") end)', None),
        ("for {name, value} <- System.get_env(), do: {name, value}", None),
        ("Some.load(System.get_env())", "`Some.load(System.get_env())`"),
        (":os.getenv()", "`:os.getenv()`"),
        ('Code.eval_string(File.read!("/etc/x"))', None),
        ('Vault.read("secret/shop")', '`Vault.read("secret/shop")`'),
        ('config :shop, port: {:system, "PORT"}', "PORT"),
        ('config :shop, port: {:system, :integer, "HTTP_PORT"}', "HTTP_PORT"),
        ('import Nvir\nconfig :shop, port: env!("PORT", :integer!)', "PORT"),
        ('Vapor.load!([%Vapor.Provider.Env{bindings: [port: "PORT"]}])', "PORT"),
    ],
)
def test_a_read_that_is_not_followed(contract: Read, expression: str, what: str | None) -> None:
    found = contract(f"import Config\n{expression}")
    assert found.possibly_more
    assert what is None or what in [each.what for each in found.possibly_more]
    assert {each.at.file for each in found.possibly_more} == {"config/runtime.exs"}


def test_a_tuple_with_a_default_is_optional(contract: Read) -> None:
    configuration = 'import Config\nconfig :shop, port: {:system, "PORT", "4000"}, url: {:system, "URL"}\n'
    found = contract(config__config_exs=configuration)
    assert [(each.name, each.kind, each.shown_default) for each in found.variables] == [("PORT", "optional", "4000")]
    assert more(found) == [("URL", "config/config.exs:2")]


SENDER = """defmodule Shop.Sender do
  @moduledoc "System.fetch_env!(\\"IN_A_TEXT\\")"
  @region System.get_env("REGION", "eu")
  # System.fetch_env!("IN_A_COMMENT")
  def send(mail) when is_map(mail), do: {mail, System.fetch_env!("SMTP_KEY"), @region}
  def host, do: System.get_env("SMTP_HOST", "localhost")
  def user, do: System.get_env("SMTP_USER") || raise("no user")
  def any(name), do: System.get_env(name)
  def all, do: {:os.getenv(~c"OTHER"), "SMTP_PASS" |> System.fetch_env!(), {System, :get_env, ["X"]}}
end
defmodule Mix.Tasks.Shop do
  def run(_), do: System.fetch_env!("IN_A_TASK")
end
"""


def test_functions_of_the_code_need_it_when_they_are_called(contract: Read) -> None:
    found = contract(lib__shop__sender_ex=SENDER)
    told = {each.name: [(need.when.text, need.at.line) for need in each.requirements] for each in found.variables}  # type: ignore[union-attr]
    assert told == {
        "SMTP_KEY": [("Shop.Sender.send/1 is called", 5)],
        "SMTP_PASS": [("Shop.Sender.all/0 is called", 9)],
        "SMTP_USER": [("Shop.Sender.user/0 is called", 7)],
        "OTHER": [],
        "SMTP_HOST": [],
    }
    assert [each.line for each in (more.at for more in found.possibly_more)] == [8, 9]


def test_bodies_of_modules_read_the_environment_of_the_build(dict_tree: Callable[..., object]) -> None:
    mix = 'defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"]\nend\n'
    tree = dict_tree({"mix.exs": mix, "lib/shop/sender.ex": SENDER})
    found = read_by_build(tree, project.read_project(tree))
    assert kinds(found) == {"REGION": "optional"}


def test_the_start_of_the_application_is_followed(dict_tree: Callable[..., object]) -> None:
    mix = """defmodule A.MixProject do
      use Mix.Project
      def project, do: [app: :a, version: "1.0.0"]
      def application, do: [mod: {Shop.Application, []}]
    end
    """
    start = """defmodule Shop.Application do
      use Application
      def start(_type, _args) do
        port = "HTTP_PORT" |> System.fetch_env!() |> String.to_integer()
        if System.get_env("WORKER") == "1", do: Shop.Worker.check!()
        Supervisor.start_link([{Shop.Web, port: port}], strategy: :one_for_one)
      end
    end
    """
    worker = 'defmodule Shop.Worker do\n  def check!, do: System.fetch_env!("QUEUE")\nend\n'
    tree = dict_tree({"mix.exs": mix, "lib/shop/application.ex": start, "lib/shop/worker.ex": worker})
    found = project.read_project(tree)
    contract = read_contract(tree, found, select_release(found))
    assert kinds(contract) == {"HTTP_PORT": "required", "QUEUE": "conditional", "WORKER": "optional"}
    assert contract.possibly_more == ()


SETTINGS = """defmodule Shop.Settings do
  use Skogsra
  app_env :hostname, :shop, :hostname, default: "localhost"
  app_env :key, :shop, [:api, :key], required: true
  app_env :port, :shop, :port, os_env: "HTTP_PORT", type: :integer
  app_env :spaced, :shop, :x, namespace: Test
end
"""


def test_skogsra(contract: Read) -> None:
    found = contract(lib__shop__settings_ex=SETTINGS)
    assert [(each.name, each.kind, each.shown_default) for each in found.variables] == [
        ("SHOP_API_KEY", "conditional", None),
        ("HTTP_PORT", "optional", None),
        ("SHOP_HOSTNAME", "optional", "localhost"),
    ]
    assert more(found) == [("`app_env :spaced, :shop, :x, namespace: Test`", "lib/shop/settings.ex:6")]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('defmodule Shop.C do\n  alias Vapor.Provider.Env\n  def p, do: [%Env{bindings: [url: "URL"]}]\nend\n', "URL"),
        ("defmodule Shop.C do\n  use Vapor.Planner\nend\n", "Vapor"),
        ('defmodule Shop.C do\n  import Dotenvy\n  def p, do: env!("PORT", :integer)\nend\n', "PORT"),
    ],
)
def test_libraries_in_the_code(contract: Read, source: str, what: str) -> None:
    assert [each.what for each in contract(lib__shop__c_ex=source).possibly_more] == [what]


def test_erlang(contract: Read) -> None:
    found = contract(src__shop_erl='-module(shop).\nkey() -> os:getenv("ERLANG_KEY").\nall() -> os:getenv().\n')
    assert (kinds(found), more(found)) == ({"ERLANG_KEY": "optional"}, [("`os:getenv`", "src/shop.erl:3")])


def test_what_the_boot_requires_is_said_once(contract: Read) -> None:
    source = 'defmodule Shop.C do\n  def key, do: System.fetch_env!("KEY")\nend\n'
    found = contract('System.fetch_env!("KEY")', lib__shop__c_ex=source)
    assert [(each.name, each.kind, len(each.requirements)) for each in found.variables] == [("KEY", "required", 1)]


def test_dependencies_that_read_by_themselves(dict_tree: Callable[..., object]) -> None:
    mix = """defmodule A.MixProject do
      use Mix.Project
      def project, do: [app: :a, version: "1.0.0", deps: [{:sentry, "~> 10.0"}, {:ex_aws, "~> 2.0", only: :test}]]
    end
    """
    tree = dict_tree({"mix.exs": mix})
    found = project.read_project(tree)
    contract = read_contract(tree, found, select_release(found))
    assert kinds(contract) == dict.fromkeys(("SENTRY_DSN", "SENTRY_ENVIRONMENT", "SENTRY_RELEASE"), "optional")
