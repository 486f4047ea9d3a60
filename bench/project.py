"""A Phoenix-shaped project to measure on, written by ourselves.

The application of store/ has a config.exs as Phoenix's generator writes it, assets through esbuild, and translations;
here it gets 160 modules in 4 contexts and 40 pages of 2 templates each, which `use` the macros of its dependencies.
Those are the packages of packages/, a NIF among them, and 24 of 30 modules each in a tree five deep. All is a function
of the numbers alone, so that two runs measure the same code.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTEXTS = ("accounts", "catalog", "billing", "shipping")
MODULES = 160
PAGES = 40
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


def written_packages() -> Iterator[tuple[str, Path]]:
    """Yield the name and the directory of each package that is written by hand."""
    for directory in sorted((HERE / "packages").iterdir()):
        yield directory.name, directory


def write_application(root: Path) -> Path:
    """Write the application's source and return its directory."""
    shutil.copytree(HERE / "store", root)
    for path, content in (*_modules(), *_pages()):
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


def _pages() -> Iterator[tuple[str, str]]:
    """Yield the pages, their templates and the router that knows them."""
    routes = ['  get "/", StoreWeb.Page0, :index']
    for number in range(PAGES):
        routes += [f'  get "/page{number}/{action}", StoreWeb.Page{number}, :{action}' for action in ("index", "show")]
        yield f"lib/store_web/pages/page{number}.ex", _PAGE.format(number=number, context=camel(CONTEXTS[number % 4]))
        yield f"lib/store_web/pages/page{number}/index.html.eex", _INDEX.format(number=number)
        yield f"lib/store_web/pages/page{number}/show.html.eex", _SHOW.format(number=number)
    lines = "\n".join(routes)
    yield "lib/store_web/router.ex", f"defmodule StoreWeb.Router do\n  use Kit.Router\n\n{lines}\nend\n"


def _module(name: str, number: int, called: str, dependency: str | None = None) -> str:
    fields = {"name": '"item"'} | {f"field_{index}": str(index * number) for index in range(6)}
    if dependency:
        lines = "".join(f"    field :{field}, {default}\n" for field, default in fields.items())
        struct = f'  use Kit.Schema\n\n  schema "item{number}" do\n{lines}  end'
    else:
        struct = "  defstruct id: nil, " + ", ".join(f"{field}: {default}" for field, default in fields.items())
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

{struct}

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


_PAGE = """defmodule StoreWeb.Page{number} do
  use StoreWeb, :page
  alias Store.{context}.Item{number}

  embed_templates "page{number}/*"

  def render(action, assigns) do
    item = %Item{number}{{id: {number}}}
    content = apply(__MODULE__, action, [Map.merge(assigns, %{{item: item, prices: [{number}, 250]}})])
    Layouts.root(%{{content: content}})
  end
end
"""

_INDEX = """<section class="grid p-{number}">
  <h1><%= t("title") %> {number}</h1>
  <%= if @prices == [] do %>
    <p><%= t("empty") %></p>
  <% else %>
    <ul class="flex m-{number}">
      <%= for price <- @prices do %>
        <li class="block"><%= price(price) %></li>
      <% end %>
    </ul>
  <% end %>
</section>
"""

_SHOW = """<article class="block m-{number}">
  <h1><%= @item.name %></h1>
  <p><%= price(total(@prices)) %></p>
</article>
"""
