"""What a runtime.exs requires, shape by shape, as Elixir would find it at boot in production."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.errors import Mark, ProjectError
from relbuild.mix.environment import Contract, read_contract
from relbuild.mix.project import read_project, select_release

Told = Callable[..., dict[str, str]]

SHAPES = {
    'System.fetch_env!("A")': {"A": "! not set"},
    'x = System.get_env("A")': {"A": ""},
    'System.get_env("A", "1")': {"A": "= '1'"},
    'System.get_env("A", nil)': {"A": ""},
    'System.get_env("A") || "1"': {"A": "= '1'"},
    'System.get_env("A") || 4000': {"A": "= '4000'"},
    'System.get_env("A", "#{node()}.local")': {"A": '= ("#{node()}.local")'},
    'System.get_env("A", System.get_env("B", "x"))': {"A": '= (System.get_env("B", "x"))', "B": "= 'x'"},
    '"A" |> System.get_env("1") |> String.to_integer()': {"A": "= '1'"},
    'System.get_env("A") || raise "no A"': {"A": "! not set: no A"},
    'System.get_env("A") || raise("no A")': {"A": "! not set: no A"},
    'System.get_env("A") || raise ArgumentError, "no A"': {"A": "! not set: no A"},
    'System.get_env("A") || raise ArgumentError, message: "no A"': {"A": "! not set: no A"},
    'System.get_env("A") || raise KeyError': {"A": "! not set"},
    'System.get_env("A") ||\n  raise """\n  A is missing.\n    For example: x\n  """': {
        "A": "! not set: A is missing.\n  For example: x"
    },
    'n = "A"\nSystem.get_env(n) || raise "set #{n}, #{node()}"': {"A": "! not set: set A, #{node()}"},
    'System.get_env("A") || System.get_env("B") || raise "no A"': {"A": "! not set when B is not set: no A", "B": ""},
    'System.get_env("A") || System.halt(1)': {"A": "! not set"},
    'System.get_env("A") || System.halt(0)': {"A": ""},
    'System.get_env("A") || exit(:no)': {"A": "! not set"},
    'System.get_env("A") || throw(:no)': {"A": "! not set"},
    'case System.get_env("A") do\n  nil -> raise "no A"\n  a -> a\nend': {"A": "! not set: no A"},
    'case System.get_env("A") do\n  a when a in [nil, ""] -> raise "no A"\n  a -> a\nend': {
        "A": "! empty, or not set: no A"
    },
    'case System.get_env("A") do\n  nil -> "x"\n  a -> a\nend': {"A": "= 'x'"},
    'case System.get_env("A") do\n  "s3" -> 1\n  "disk" -> 2\nend': {"A": '! not "s3" or "disk"'},
    'case System.get_env("A", "s3") do\n  "s3" -> 1\n  other -> raise "what is #{other}?"\nend': {"A": "= 's3'"},
    'case System.fetch_env("A") do\n  {:ok, a} -> a\n  :error -> raise "no A"\nend': {"A": "! not set: no A"},
    'if is_nil(System.get_env("A")), do: raise "no A"': {"A": "! not set: no A"},
    'a = System.get_env("A")\nif a == nil do\n  raise "no A"\nend': {"A": "! not set: no A"},
    'a = System.get_env("A")\nunless a, do: raise "no A"': {"A": "! not set: no A"},
    'if !System.get_env("A") do raise "no A" end': {"A": "! not set: no A"},
    'unless a = System.get_env("A") do raise "no A" end': {"A": "! not set: no A"},
    'if System.get_env("A") in [nil, ""], do: raise "no A"': {"A": "! empty, or not set: no A"},
    'if a = System.get_env("A") do a else raise "no A" end': {"A": "! not set: no A"},
    'cond do\n  a = System.get_env("A") -> a\n  true -> raise "no A"\nend': {"A": "! not set: no A"},
    'if System.get_env("A") == nil or System.get_env("B") == nil, do: raise "both"': {
        "A": "! not set: both",
        "B": "! not set: both",
    },
    'if System.get_env("A") == nil and System.get_env("B") == nil, do: raise "one"': {
        "A": "! not set when B is not set: one",
        "B": "",
    },
    'with {:ok, a} <- System.fetch_env("A") do\n  a\nelse\n  :error -> raise "no A"\nend': {"A": "! not set: no A"},
    '{:ok, a} = System.fetch_env("A")': {"A": "! not set"},
    'System.get_env()["A"] || raise "no A"': {"A": "! not set: no A"},
    'env = System.get_env()\nMap.fetch!(env, "A")\nMap.get(env, "B", "x")': {"A": "! not set", "B": "= 'x'"},
    'System.get_env() |> Map.fetch!("A")': {"A": "! not set"},
    '%{"A" => a, "B" => "x"} = System.get_env()': {"A": "! not set", "B": '! not "x"'},
    'case System.get_env() do\n  %{"A" => a} -> a\n  %{"B" => b} -> b\n  _ -> raise "one"\nend': {
        "A": "! not set when B is not set: one",
        "B": "",
    },
    'a = fn %{"A" => a} -> a; %{} -> raise "no A" end\na.(System.get_env())': {"A": "! not set: no A"},
    'with %{"A" => a} <- System.get_env() do\n  String.to_integer(a)\nend': {"A": ""},
    'with %{key => a} <- System.get_env() do\n  a || raise "no"\nend': {},
    'case Integer.parse(System.get_env("A") || "1") do\n  {int, ""} when int > 9 -> System.fetch_env!("B")\nend': {
        "A": "= '1'",
        "B": '! not set when Integer.parse(System.get_env("A") || "1") matches {int, ""} and int > 9',
    },
    'number = fn name ->\n  case Integer.parse(System.get_env(name, "")) do\n    {int, ""} -> int\n    _ -> nil\n'
    '  end\nend\nif number.("A"), do: System.fetch_env!("B")': {
        "A": "= ''",
        "B": '! not set when Integer.parse(System.get_env(name, "")) matches {int, ""} and '
        'int of Integer.parse(System.get_env(name, ""))',
    },
    'case System.get_env("A", "x:1") do\n  "x:" <> rest -> rest\n  _ -> raise "no"\nend': {"A": "= 'x:1'"},
    'case System.get_env("A") do\n  "x:" <> _ -> System.fetch_env!("B")\n  _ -> nil\nend': {
        "A": "",
        "B": '! not set when A is set and A matches "x:" <> _',
    },
    'a = if v = System.get_env("A"), do: String.to_integer(v), else: 1': {"A": "= '1'"},
    'a = if System.get_env("A"), do: [:inet6], else: 1': {"A": ""},
    "get = fn name, default when is_function(default) -> if v = System.get_env(name), do: v, else: default.() end\n"
    'get.("A", fn -> if config_env() == :prod, do: "p", else: "d" end)': {"A": "= 'p'"},
    "get = fn name, default -> if is_function(default, 0), do: default.(), else: System.get_env(name, default) end\n"
    'get.("A", "x")': {"A": "= 'x'"},
    "get = fn name, all -> System.get_env(name, all[config_env()] || all[:all]) end\n"
    'get.("A", prod: "1", dev: "2")\nget.("B", all: "3")': {"A": "= '1'", "B": "= '3'"},
    'get = fn name, default -> System.get_env(name, default) end\nget.("A", get.("B", "x"))': {
        "A": '= (get.("B", "x"))',
        "B": "= 'x'",
    },
    'String.to_integer(System.get_env("A"))': {"A": "! empty, or not set"},
    'System.get_env("A") |> String.to_integer()': {"A": "! empty, or not set"},
    'String.split(System.get_env("A"), ",")': {"A": "! not set"},
    'String.split(System.get_env("A", ""), ",")': {"A": "= ''"},
    'String.to_integer(System.get_env("A") || "1")': {"A": "= '1'"},
    '"https://" <> System.get_env("A")': {"A": "! not set"},
    '"https://#{System.get_env("A")}"': {"A": ""},
    'if config_env() == :prod, do: System.fetch_env!("A")': {"A": "! not set"},
    'if config_env() == :dev, do: System.fetch_env!("A"), else: System.fetch_env!("B")': {"B": "! not set"},
    'if config_env() in [:prod, :staging], do: System.fetch_env!("A")': {"A": "! not set"},
    'unless config_env() == :test, do: System.fetch_env!("A")': {"A": "! not set"},
    'case config_env() do\n  :prod -> System.fetch_env!("A")\n  _ -> System.fetch_env!("B")\nend': {"A": "! not set"},
    'if System.get_env("A"), do: System.fetch_env!("B")': {"A": "", "B": "! not set when A is set"},
    'if System.get_env("A", "off") == "on", do: System.fetch_env!("B")': {
        "A": "= 'off'",
        "B": '! not set when A is "on"',
    },
    'if System.get_env("A", "on") == "on", do: System.fetch_env!("B")': {
        "A": "= 'on'",
        "B": '! not set when A is "on", or not set',
    },
    'on? = System.get_env("A") in ~w(1 true)\nif on?, do: System.fetch_env!("B")': {
        "A": "",
        "B": '! not set when A is "1" or "true"',
    },
    'if String.downcase(System.get_env("A", "")) == "on", do: System.fetch_env!("B")': {
        "A": "= ''",
        "B": '! not set when String.downcase(System.get_env("A", "")) == "on"',
    },
    'if f() == :x, do: System.fetch_env!("A")': {"A": "! not set when f() == :x"},
    'if f() != :x, do: System.fetch_env!("A")': {"A": "! not set when not (f() == :x)"},
    'if f() !== g(), do: System.fetch_env!("A")': {"A": "! not set when not (f() === g())"},
    'if f() not in [:x, :y], do: System.fetch_env!("A")': {"A": "! not set when not (f() in [:x, :y])"},
    'if not (f() in g()), do: System.fetch_env!("A")': {"A": "! not set when not (f() in g())"},
    'if f(), do: System.fetch_env!("A"), else: System.fetch_env!("A")': {"A": "! not set"},
    'x = f()\nif x, do: System.fetch_env!("A")\nunless x, do: System.get_env("A") || raise "no A"': {
        "A": "! not set: no A"
    },
    'x = f()\nif x, do: String.to_integer(System.get_env("A"))\nunless x, do: System.fetch_env!("A")': {
        "A": "! not set; ! empty, or not set when f()"
    },
    'if System.get_env("B"), do: System.fetch_env!("A"), else: (if f(), do: System.fetch_env!("A"))': {
        "A": "! not set when B is set; ! not set when B is not set and f()",
        "B": "",
    },
    'if f(), do: System.fetch_env!("A")\nunless f(), do: System.fetch_env!("A")': {
        "A": "! not set when f(); ! not set when not (f())"
    },
    'g = fn x -> if x[:a], do: System.fetch_env!("A"), else: :ok end\n'
    'h = fn x -> if x[:a], do: :ok, else: System.fetch_env!("A") end\ng.(f())\nh.(e())': {
        "A": "! not set when x[:a]; ! not set when not (x[:a])"
    },
    'a = System.get_env("A")\nunless f(a), do: raise "bad"': {"A": "! not set when not (f(a)): bad"},
    'a = System.get_env("A")\nif a && g(a) != 1, do: raise "bad"': {"A": ""},
    'a = System.get_env("A", "x")\nunless f(a), do: raise "bad"': {"A": "= 'x'"},
    'a = f(System.get_env("A"))\nb = a + 1\nif b == 2, do: raise "bad"': {"A": "! not set when b == 2: bad"},
    'f(System.get_env("A")) || raise "no A"': {"A": '! not set when not (f(System.get_env("A"))): no A'},
    'if System.get_env("B") && f(System.get_env("A")), do: raise "bad"': {
        "A": '! not set when B is set and f(System.get_env("A")): bad',
        "B": "",
    },
    'x = [System.get_env("A"), System.get_env("B")]\nunless Enum.all?(x), do: raise "both"': {
        "A": "! not set: both",
        "B": "! not set: both",
    },
    'x = [System.get_env("A"), System.get_env("B")]\nif Enum.any?(x, &is_nil/1), do: raise "both"': {
        "A": "! not set: both",
        "B": "! not set: both",
    },
    'x = [System.get_env("A"), System.get_env("B")]\nunless Enum.any?(x, &(&1 == "1")), do: raise "one"': {
        "A": '! not "1" when B is not "1": one',
        "B": "",
    },
    'Enum.find_value(~w(A B), &System.get_env/1) || raise "one"': {"A": "! not set when B is not set: one", "B": ""},
    'x = Enum.find(["1", "2"], "3", &(&1 == System.get_env("A")))\nif x == "3", do: System.fetch_env!("B")': {
        "A": "",
        "B": '! not set when A is not "1" or "2"',
    },
    'f(System.get_env("A")) |> String.split(",")': {"A": '! not set when f(System.get_env("A")) is nil'},
    '"x" <> f(System.get_env("A"))': {"A": '! not set when f(System.get_env("A")) is nil'},
    'x = Enum.filter(["A", "B"], &is_nil(System.get_env(&1)))\nif x != [], do: raise "set them"': {
        "A": "! not set when not (x == []): set them",
        "B": "! not set when not (x == []): set them",
    },
    'for a <- [System.get_env("A"), "x"], is_nil(a), do: raise "no A"': {"A": "! not set: no A"},
    'case {System.get_env("A"), System.get_env("B")} do\n  {nil, nil} -> raise "one"\n  {a, b} -> a || b\nend': {
        "A": "! not set when B is not set: one",
        "B": "",
    },
    '[a, _] = [System.get_env("A"), f()]\na || raise "no A"': {"A": "! not set: no A"},
    'if System.get_env("A") && System.get_env("C"), do: System.fetch_env!("B")': {
        "A": "",
        "B": "! not set when A is set and C is set",
        "C": "",
    },
    'a = System.get_env("A")\nif a, do: String.to_integer(a)': {"A": ""},
    'if a = System.get_env("A"), do: String.to_integer(a)': {"A": ""},
    'a = if System.get_env("A") == "1", do: System.get_env("B") || raise "no B"': {
        "A": "",
        "B": '! not set when A is "1": no B',
    },
    'mode = case System.get_env("A") do\n  nil -> :web\n  "worker" -> :worker\nend\n'
    'if mode == :worker, do: System.fetch_env!("B")': {"A": "", "B": '! not set when A is "worker"'},
    'get = fn name -> System.get_env(name) || raise "set #{name}" end\nget.("A")': {"A": "! not set: set A"},
    'get = fn name, default -> System.get_env(name, default) end\nget.("A", "1")': {"A": "= '1'"},
    'get = &System.fetch_env!/1\nget.("A")': {"A": "! not set"},
    'get = &System.get_env(&1, "1")\nget.("A")': {"A": "= '1'"},
    'int = fn\n  nil -> nil\n  text -> String.to_integer(text)\nend\nint.(System.get_env("A"))': {"A": ""},
    'for name <- ["A", "B"], do: System.fetch_env!(name)': {"A": "! not set", "B": "! not set"},
    'Enum.each(~w(A B), fn name -> System.get_env(name) || raise "set #{name}" end)': {
        "A": "! not set: set A",
        "B": "! not set: set B",
    },
    "Enum.map(~w(A), &System.fetch_env!/1)": {"A": "! not set"},
    'System.get_env("A") |> then(fn a -> a || raise "no A" end)': {"A": "! not set: no A"},
    'try do\n  System.fetch_env!("A")\nrescue\n  _ -> nil\nend': {"A": ""},
    'try do\n  System.fetch_env!("A")\nrescue\n  e -> reraise "no A", __STACKTRACE__\nend': {"A": "! not set"},
    'try do\n  System.fetch_env!("A")\nafter\n  :ok\nend': {"A": "! not set"},
    'config :shop, key: fn -> System.fetch_env!("A") end': {
        "A": "! not set when the function at config/runtime.exs:1 is called"
    },
    'System.put_env("A", "1")\nSystem.fetch_env!("A")': {"A": "! not set when nothing at boot sets A before"},
    'config :shop, a: [b: [c: System.fetch_env!("A")], d: %{"e" => System.fetch_env!("B")}]': {
        "A": "! not set",
        "B": "! not set",
    },
    'System.fetch_env!("RELEASE_NODE")\nSystem.get_env("HOSTNAME") || raise "no"': {},
    'if System.get_env("RELEASE_NAME"), do: System.fetch_env!("A")': {"A": "! not set"},
    'raise "never" ; System.fetch_env!("A")': {},
    'import Dotenvy\nsource!([System.get_env()])\nenv!("A", :string)\nenv!("B", :string!)\nenv!("C", :integer, 1)': {
        "A": "! not set",
        "B": "! empty, or not set",
        "C": "= '1'",
    },
    'import System\nget_env("PORT", "1") |> String.to_integer()\nfetch_env!("A")': {"A": "! not set", "PORT": "= '1'"},
    'import System, only: [fetch_env!: 1]\nfetch_env!("A")\nEnum.map(["B"], &fetch_env!/1)': {
        "A": "! not set",
        "B": "! not set",
    },
    'import String, only: [to_integer: 1]\nto_integer(System.get_env("A"))': {"A": "! empty, or not set"},
    'import Enum, except: [each: 2]\nmap(["A"], &System.fetch_env!/1)': {"A": "! not set"},
    'import Dotenvy, only: [env!: 1]\nenv!("A")': {"A": "! not set"},
    'import Dotenvy\na = env!("A", :string, nil)\na || raise "no A"': {"A": "! not set: no A"},
    'import Dotenvy\nenv!("A", :string?, nil) || raise "no A"': {"A": "! empty, or not set: no A"},
    'import Dotenvy\nenv!("A", :string!, "x") || raise "no A"': {"A": "= 'x'"},
    'import Dotenvy\nenv!("A", :integer, nil) || raise "no A"': {"A": "! not set: no A"},
    'import Dotenvy\nif env!("A", :integer?, 1) == nil, do: raise "no A"': {"A": "= '1'"},
    'import Dotenvy\nif env!("A", :boolean, true), do: env!("B")': {
        "A": "= 'true'",
        "B": '! not set when A is not empty or "0" or "FALSE" or "False" or "false"',
    },
    'import Dotenvy\na = env!("A", :string, nil)\nb = env!("B", :boolean, false)\n'
    'cond do\n  b && a != nil -> raise "both"\n  !b && a == nil -> raise "none"\n  true -> :ok\nend': {
        "A": '! not set when B is empty or "0" or "FALSE" or "False" or "false", or not set: none',
        "B": "= 'false'",
    },
    'import Dotenvy\nenv!("A", fn "x" -> System.fetch_env!("B"); _ -> :other end, nil)': {
        "A": "",
        "B": '! not set when A is "x"',
    },
    'import Dotenvy\nips = fn name ->\n  case env!(name, :string, nil) do\n    a when a in [nil, ""] -> []\n'
    '    a -> String.split(a)\n  end\nend\nif ips.("A") == [], do: raise "no A"': {"A": "! empty, or not set: no A"},
    'import Dotenvy\nsource!([".env", System.get_env()])\nenv!("A", :string, nil) || raise "no A"': {
        "A": "! not set when no file that Dotenvy reads sets A: no A"
    },
    'import Dotenvy\nsource!([".env", System.get_env()])\nenv!("A")': {
        "A": "! not set when no file that Dotenvy reads sets A"
    },
}


@pytest.mark.parametrize("runtime", SHAPES)
def test_a_shape(runtime: str, told: Told) -> None:
    assert told(f"{runtime}\n") == SHAPES[runtime]


def test_a_module_of_the_file(told: Told) -> None:
    runtime = """
defmodule Env do
  def get(name, default \\\\ nil)
  def get(name, nil), do: System.get_env(name) || raise("set #{name}")
  def get(name, default), do: System.get_env(name, default)
  def int(name, default), do: get(name, default) |> String.to_integer()
end

Env.get("A")
Env.get("B", "x")
Env.int("C", "1")
"""
    assert told(runtime) == {"A": "! not set: set A", "B": "= 'x'", "C": "= '1'"}


def test_a_variable_stands_where_its_name_is_written(contract: Callable[..., Contract]) -> None:
    helper = """defmodule Shop.Settings do
  def all() do
    port("PORT")
    key(:salt)
  end

  defp port(name), do: name |> System.get_env() |> String.to_integer()
  defp key(name), do: System.get_env(String.upcase("#{name}"))
end
"""
    found = contract("import Config\nShop.Settings.all()\n", lib__shop__settings_ex=helper)
    assert [(each.name, each.at.brief) for each in found.variables] == [
        ("PORT", "lib/shop/settings.ex:3"),
        ("SALT", "config/runtime.exs:2"),
    ]


def test_the_heads_of_a_function(told: Told) -> None:
    runtime = """
defmodule Parser do
  def url(options, %{"URL" => url}), do: [{:url, "http://" <> url} | options]
  def url(_options, _env), do: raise("no URL")
end

Parser.url([], System.get_env())
"""
    assert told(runtime) == {"URL": "! not set: no URL"}


def test_a_module_of_the_project(contract: Callable[..., Contract]) -> None:
    helper = (
        'defmodule Shop.ConfigHelpers do\n  def var!(name), do: System.get_env(name) || raise("set #{name}")\nend\n'
    )
    found = contract('import Config\nimport Shop.ConfigHelpers\n\nvar!("A")\n', lib__shop__config_helpers_ex=helper)
    [variable] = found.variables
    assert (variable.name, variable.kind, variable.at) == ("A", "required", Mark("config/runtime.exs", 4, 6))
    [requirement] = variable.requirements
    assert (requirement.message, requirement.at) == ("set A", Mark("config/runtime.exs", 4, 1))


HELPERS = """
defmodule A do
  def need(name), do: System.fetch_env!(name)
  def need(name, _), do: System.fetch_env!(name)
  defp hidden(name), do: System.fetch_env!(name)
end

defmodule B do
  def need(name), do: System.get_env(name, "b")
  def need(name, default), do: System.get_env(name, default)
end
"""


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("import A", {"X": "! not set", "Y": "! not set"}),
        ("import A, only: [need: 1]\nimport B, only: [need: 2]", {"X": "! not set", "Y": "= 'y'"}),
        ("import A, except: [need: 2]\nimport B, except: [need: 1]", {"X": "! not set", "Y": "= 'y'"}),
        ("import(A, except: [need: 1])\nimport(B, only: [need: 1])", {"X": "= 'b'", "Y": "! not set"}),
    ],
)
def test_an_import_of_some_functions(imports: str, expected: dict[str, str], told: Told) -> None:
    assert told(f'{HELPERS}\n{imports}\nneed("X")\nneed("Y", "y")\n') == expected


def test_what_an_import_does_not_bring(contract: Callable[..., Contract]) -> None:
    for imported, call in (
        ("A", 'hidden("SOME_NAME")'),
        ("System, only: [get_env: 1]", 'fetch_env!("SOME_NAME")'),
        ("System, except: [fetch_env!: 1]", 'fetch_env!("SOME_NAME")'),
        ("Config", 'env!("SOME_NAME")'),
    ):
        found = contract(f"{HELPERS}\nimport {imported}\n{call}\n")
        assert found.variables == ()
        assert [each.what for each in found.possibly_more] == ["SOME_NAME"]


def test_what_takes_too_many_words_is_left_out_of_a_condition(told: Told) -> None:
    long = "f(" + "x, " * 60 + "x)"
    many = " && ".join(f'System.get_env("A{i}")' for i in range(20))
    needed = told(f'if {many}, do: System.fetch_env!("B")\nif g() && f(1) && {long}, do: System.fetch_env!("C")\n')
    several = " and ".join(f"A{i} is set" for i in range(11))
    assert needed["B"] == f"! not set when {several} and conditions that are too many to name"
    assert needed["C"].startswith("! not set when g() and f(1) and f(x, x")


def test_a_file_that_is_imported(told: Told) -> None:
    assert told(
        'Code.require_file("helper.exs", __DIR__)\nHelper.need("A")\n',
        config__helper_exs="defmodule Helper do\n  def need(name), do: System.fetch_env!(name)\nend\n"
        'System.fetch_env!("B")\n',
    ) == {"A": "! not set", "B": "! not set"}


@pytest.mark.parametrize(
    ("runtime", "what", "reason"),
    [
        ('for n <- 1..3, do: System.get_env("A_#{n}")', 'the variable named by `"A_#{n}"`', "its name is computed"),
        (
            'Elsewhere.env("SOME_NAME")', "SOME_NAME",
            "Elsewhere.env/1 may read it, and isn't followed",
        ),
        ('Code.require_file("no", __DIR__)', '`Code.require_file("no", __DIR__)`', "the project has no config/no"),
        ("Code.require_file(x)", "`Code.require_file(x)`", "the file that it reads is computed"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_said_with_its_place(
    runtime: str, what: str, reason: str, contract: Callable[..., Contract]
) -> None:
    found = contract(runtime)
    assert found.variables == ()
    assert [(each.what, each.reason, each.at.file, each.at.line) for each in found.possibly_more] == [
        (what, reason, "config/runtime.exs", 1)
    ]


def test_which_file_configures_at_boot(told: Told) -> None:
    old, new, other = (f'System.fetch_env!("{name}")\n' for name in "ABC")
    assert told(config__releases_exs=old) == {"A": "! not set"}
    assert told(new, config__releases_exs=old) == {"B": "! not set"}
    assert told(new, release='runtime_config_path: "config/other.exs"', config__other_exs=other) == {"C": "! not set"}
    assert told(new, release="runtime_config_path: false") == {}
    assert told() == {}


def test_each_is_told_where_it_stands(contract: Callable[..., Contract]) -> None:
    found = contract('import Config\n\nurl =\n  System.get_env("A") ||\n    raise "no A"\n\nSystem.get_env("B")\n')
    assert [(each.name, each.at) for each in found.variables] == [
        ("A", Mark("config/runtime.exs", 4, 18)),
        ("B", Mark("config/runtime.exs", 7, 16)),
    ]
    assert [each.at for each in found.variables[0].requirements] == [Mark("config/runtime.exs", 5, 5)]


def test_a_file_that_is_no_elixir_is_told_at_its_place(contract: Callable[..., Contract]) -> None:
    with pytest.raises(ProjectError) as raised:
        contract('import Config\nSystem.fetch_env!("A"\n')
    at = raised.value.problems[0].at
    assert at is not None
    assert at.file == "config/runtime.exs"


def test_a_function_that_never_ends_is_given_up(contract: Callable[..., Contract]) -> None:
    loop = "defmodule L do\n  def f(x), do: f(x) || f(x)\nend\n"
    found = contract(f'{loop}L.f(System.fetch_env!("A"))\nSystem.fetch_env!("B")\n')
    assert [each.name for each in found.of("required")] == ["A", "B"]
    assert [(each.reason, each.at.line) for each in found.possibly_more] == [("it does too much to be followed", 4)]


NESTED = (
    'if System.get_env("A"), do: 1, else: if(System.get_env("B") == "x", do: "x", else: raise("A is missing"))',
    'unless System.get_env("A") do\n  unless System.get_env("B") == "x", do: raise("A is missing")\nend',
    'cond do\n  System.get_env("A") -> 1\n  System.get_env("B") == "x" -> 2\n  true -> raise "A is missing"\nend',
    'case System.get_env("A") do\n  nil ->\n    case System.get_env("B") do\n      "x" -> 1\n'
    '      _ -> raise "A is missing"\n    end\n  a -> a\nend',
    'System.get_env("A") || if System.get_env("B") == "x", do: "x", else: raise("A is missing")',
    'System.get_env("A") || (System.get_env("B") == "x" && "x") || raise("A is missing")',
    'missing = fn -> System.get_env("B") == "x" || raise("A is missing") end\n'
    'if is_nil(System.get_env("A")), do: missing.()',
)


@pytest.mark.parametrize("runtime", NESTED)
def test_the_variable_that_the_message_names_is_required(told: Callable[..., dict[str, str]], runtime: str) -> None:
    assert told(runtime) == {"A": '! not set when B is not "x": A is missing', "B": ""}


@pytest.mark.parametrize(
    ("runtime", "needs"),
    [
        ('if System.get_env("A") == "on", do: System.get_env("B") || raise("A=on needs a database")',
         {"A": "", "B": '! not set when A is "on": A=on needs a database'}),
        ('System.get_env("A") || System.get_env("B") || raise("B is missing")',
         {"A": "", "B": "! not set when A is not set: B is missing"}),
        ('if !System.get_env("U") do\n'
         '  if !System.get_env("H") or !System.get_env("P"), do: raise("give U, or H and P")\nend',
         {"H": "! not set when U is not set: give U, or H and P",
          "P": "! not set when U is not set: give U, or H and P", "U": ""}),
    ],
)  # fmt: skip
def test_other_messages_leave_the_innermost(
    told: Callable[..., dict[str, str]], runtime: str, needs: dict[str, str]
) -> None:
    assert told(runtime) == needs


def test_a_closure_that_nests_deeply_is_reported(contract: Callable[..., Contract]) -> None:
    found = contract(f'Some.lib(fn -> {"[" * 90}{"]" * 90} end)\nSystem.fetch_env!("A")\n')
    assert [each.name for each in found.of("required")] == ["A"]
    assert {each.at.line for each in found.possibly_more} == {1}


@pytest.mark.parametrize("file", ["rel/overlays/.env", "rel/overlays/envs/.env.prod", "config/envs/prod.env"])
def test_what_an_env_file_of_the_release_sets_is_given(dict_tree: Callable[..., object], file: str) -> None:
    runtime = 'import Dotenvy\nsource!([".env", System.get_env()])\nenv!("A")\nenv!("B", :string) <> "x"\n'
    release = 'releases: [shop: [overlays: ["config/envs"]]]'
    definition = f'[app: :shop, version: "1.0.0", {release}]'
    mix = f"defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: {definition}\nend\n"
    tree = dict_tree({"mix.exs": mix, "config/runtime.exs": runtime, file: "# ours\nexport A=1\n"})
    project = read_project(tree)
    found = read_contract(tree, project, select_release(project))
    assert {each.name: each.kind for each in found.variables} == {"A": "optional", "B": "conditional"}
