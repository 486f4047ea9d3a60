"""A generated Mix project to measure on: 400 modules in 4 contexts, 24 dependencies of 30 modules, a tree five deep.

The modules do what modules of a web application do: structs, pattern matching over maps and binaries, protocols, calls
into each other and into the dependencies. Everything is a function of the numbers alone, so that
two runs measure the same code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CONTEXTS = ("accounts", "catalog", "billing", "shipping")
MODULES = 400
DEPENDENCIES = 24
MODULES_EACH = 30
# How many dependencies lie in each level of the tree; one of a level needs two of the level below.
LEVELS = (6, 6, 5, 4, 3)


def dependency_names() -> tuple[str, ...]:
    """Return the names of all dependencies, the lowest level first."""
    return tuple(f"dep_{level}_{number}" for level, count in enumerate(LEVELS) for number in range(count))


def needs(name: str) -> tuple[str, ...]:
    """Return the dependencies a dependency needs: two of the level below."""
    level, number = (int(part) for part in name.split("_")[1:])
    if level == 0:
        return ()
    below = LEVELS[level - 1]
    return tuple(dict.fromkeys(f"dep_{level - 1}_{(number + step) % below}" for step in (0, 1)))


def independent() -> str:
    """Return a dependency that no other needs: one of the highest level."""
    return f"dep_{len(LEVELS) - 1}_0"


def camel(name: str) -> str:
    """Return a name as Elixir writes a module's."""
    return "".join(part.capitalize() for part in name.split("_"))


def write_dependency(root: Path, name: str, version: str = "1.0.0") -> Path:
    """Write a Hex package's source and return its directory."""
    directory = root / name
    (directory / "lib" / name).mkdir(parents=True, exist_ok=True)
    wanted = "".join(f'{{:{each}, "~> 1.0"}}, ' for each in needs(name)).rstrip(", ")
    (directory / "mix.exs").write_text(
        f"""defmodule {camel(name)}.MixProject do
  use Mix.Project

  def project do
    [
      app: :{name},
      version: "{version}",
      elixir: "~> 1.14",
      description: "A package to measure with",
      package: [licenses: ["Apache-2.0"], links: %{{}}],
      deps: [{wanted}]
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
"""
    )
    (directory / "README.md").write_text(f"# {name}\n")
    used = "".join(f"    {camel(each)}.M0.describe(%{{}})\n" for each in needs(name)) or "    :ok\n"
    entry = f'defmodule {camel(name)} do\n  def version, do: "{version}"\n\n  def run do\n{used}  end\nend\n'
    (directory / "lib" / f"{name}.ex").write_text(entry)
    for number in range(MODULES_EACH - 1):
        module = _module(f"{camel(name)}.M{number}", number, f"{camel(name)}.M{(number + 1) % (MODULES_EACH - 1)}")
        (directory / "lib" / name / f"m{number}.ex").write_text(module)
    return directory


def write_application(root: Path, requirement: str = "~> 1.0") -> Path:
    """Write the application's source and return its directory; it asks for every dependency of the highest level."""
    files = {
        "mix.exs": _mix_exs(requirement),
        "config/config.exs": 'import Config\n\nconfig :store, greeting: "hello"\nimport_config "#{config_env()}.exs"\n',
        "config/prod.exs": "import Config\n\nconfig :logger, level: :info\n",
        "config/runtime.exs": "import Config\n\nconfig :store, port: 4000\n",
        "lib/store/application.ex": _APPLICATION,
        "lib/store/server.ex": _SERVER,
        "lib/store.ex": _store(),
        "priv/templates/page.html": "<h1>Store</h1>\n",
        "priv/migrations/1_first.sql": "SELECT 1;\n",
        "rel/env.sh.eex": "#!/bin/sh\n",
        "test/test_helper.exs": "ExUnit.start()\n",
        ".gitignore": "/_build/\n/deps/\n",
        **dict(_modules()),
    }
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


def _modules() -> Iterator[tuple[str, str]]:
    each = MODULES // len(CONTEXTS)
    top = [name for name in dependency_names() if name.startswith(f"dep_{len(LEVELS) - 1}_")]
    for context in CONTEXTS:
        for number in range(each):
            name = f"Store.{camel(context)}.Item{number}"
            called = f"Store.{camel(context)}.Item{(number * 7 + 3) % each}"
            dependency = camel(top[number % len(top)])
            yield f"lib/store/{context}/item{number}.ex", _module(name, number, called, f"{dependency}.M{number % 20}")


def _module(name: str, number: int, called: str, dependency: str | None = None) -> str:
    fields = ", ".join(f"field_{index}: {index * number}" for index in range(6))
    clauses = "\n".join(
        f"  def handle({{:{kind}_{number}, %{{id: id}} = value}}, state) when is_map(state) do\n"
        f"    case Map.fetch(state, id) do\n"
        f"      {{:ok, found}} -> {{:ok, Map.merge(found, Map.put(value, :kind, :{kind}_{number}))}}\n"
        f'      :error -> {{:error, "no {kind} #{{id}} in {number}"}}\n'
        f"    end\n"
        f"  end\n"
        for kind in ("create", "update", "delete", "archive", "restore")
    )
    outside = f"    _ = {dependency}.describe(value)\n" if dependency else ""
    return f"""defmodule {name} do
  @moduledoc "Number {number}."

  defstruct id: nil, name: "item", {fields}

  @type t :: %__MODULE__{{}}

  @doc "Says what it is."
  def describe(value) when is_map(value) do
    value
    |> Enum.map(fn {{key, item}} -> "#{{key}}=#{{inspect(item)}}" end)
    |> Enum.sort()
    |> Enum.join("; ")
  end

  @doc "Parses a line of the form `id:name:rest`."
  def parse(<<id::binary-size(4), ":", rest::binary>>) do
    with [name, tail] <- String.split(rest, ":", parts: 2),
         {{amount, ""}} <- Integer.parse(tail) do
      {{:ok, %__MODULE__{{id: id, name: name, field_1: amount}}}}
    else
      _ -> {{:error, {{:bad_line, {number}, rest}}}}
    end
  end

  def parse(other), do: {{:error, {{:too_short, {number}, byte_size(other)}}}}

  @doc "Handles an event."
{clauses}
  def handle(event, _state), do: {{:error, {{:unknown, {number}, event}}}}

  def total(items) do
    for %{{price: price, count: count}} <- items, count > {number % 5}, reduce: {number} do
      sum -> sum + price * count
    end
  end

  def forward(%{{depth: 0}} = value), do: {{:done, value}}

  def forward(%{{depth: depth}} = value) do
{outside}    {called}.forward(%{{value | depth: depth - 1}})
  end
end
"""


def _store() -> str:
    calls = "\n".join(f"      Store.{camel(context)}.Item0.forward(%{{depth: 3}})," for context in CONTEXTS).rstrip(",")
    return f"defmodule Store do\n  def run do\n    [\n{calls}\n    ]\n  end\nend\n"


def _mix_exs(requirement: str) -> str:
    top = [name for name in dependency_names() if name.startswith(f"dep_{len(LEVELS) - 1}_")]
    deps = ",\n".join(f'      {{:{name}, "{requirement}"}}' for name in dependency_names() if name in top)
    return f"""defmodule Store.MixProject do
  use Mix.Project

  def project do
    [
      app: :store,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      releases: [store: [include_executables_for: [:unix]]]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {{Store.Application, []}}]
  end

  defp deps do
    [
{deps}
    ]
  end
end
"""


_APPLICATION = """defmodule Store.Application do
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([Store.Server], strategy: :one_for_one, name: Store.Supervisor)
  end
end
"""

_SERVER = """defmodule Store.Server do
  @moduledoc "Answers every connection with 200, which is all that is measured of it."
  use Task, restart: :permanent

  def start_link(_options), do: Task.start_link(__MODULE__, :listen, [])

  def listen do
    {:ok, socket} =
      :gen_tcp.listen(Application.fetch_env!(:store, :port), [:binary, active: false, reuseaddr: true, backlog: 128])

    accept(socket)
  end

  defp accept(socket) do
    {:ok, client} = :gen_tcp.accept(socket)
    _ = :gen_tcp.recv(client, 0, 5_000)
    :ok = :gen_tcp.send(client, "HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\nok")
    :gen_tcp.close(client)
    accept(socket)
  end
end
"""
