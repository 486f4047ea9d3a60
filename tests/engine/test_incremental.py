"""A build that takes up what earlier ones compiled gives the release that a clean build gives, whatever has changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scripts import hexrepo

# conftest.py's Docker and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


SCRIPTS = Path(__file__).parents[2] / "dockerfiles" / "scripts"
VERSIONS = ("1.0.0", "1.1.0")
NAMES = ("Apple", "Birch", "Cedar", "Dogwood")


def alpha(version: str) -> Any:
    """Return a package with a macro, whose result is another in each version, and compile-time configuration."""
    package = hexrepo.elixir_package("alpha", version)
    package.files["lib/code.ex"] = (
        "defmodule Alpha do\n"
        "  @level Application.compile_env(:alpha, :level, 0)\n"
        "  def level, do: @level\n"
        f'  defmacro twice(value), do: quote(do: {{"{version}", unquote(value) * 2}})\n'
        "end\n\ndefprotocol Alpha.Show do\n  @fallback_to_any true\n  def show(value)\nend\n\n"
        'defimpl Alpha.Show, for: Any do\n  def show(_), do: "any"\nend\n'
    )
    return package


def beta() -> Any:
    """Return a package that is compiled with alpha's macro, and has one itself that gives what came of it."""
    package = hexrepo.elixir_package("beta", deps={"alpha": "~> 1.0"})
    package.files["lib/code.ex"] = (
        "defmodule Beta do\n  require Alpha\n  @made Alpha.twice(21)\n  def made, do: @made\n"
        "  defmacro made_here, do: Macro.escape(@made)\nend\n"
    )
    return package


@dataclass(slots=True)
class Model:
    """An umbrella of two applications; every number in it is one digit, so that no file changes its size."""

    locks: dict[str, str]
    core: dict[str, int] = field(default_factory=lambda: {"Apple": 1, "Birch": 2})
    web: dict[str, int] = field(default_factory=lambda: {"Cedar": 3})
    shown: set[str] = field(default_factory=set)
    macro: int = 1
    fields: int = 1
    level: int = 1
    alpha_level: int = 1
    resource: int = 1
    version: int = 0
    alpha: str = VERSIONS[0]
    directory: str = "a"

    def files(self) -> dict[str, str]:
        """Return the project's files by their paths."""
        deps = '{:alpha, "~> 1.0"}, {:beta, "~> 1.0"}'
        files = {
            "mix.exs": _mix(
                "Trees",
                f'apps_path: "apps", version: "0.1.{self.version}", deps: [],\n     '
                "releases: [trees: [applications: [web: :permanent]]]",
            ),
            "mix.lock": self.locks[self.alpha],
            "config/config.exs": f"import Config\nconfig :core, level: {self.level}\n"
            f"config :alpha, level: {self.alpha_level}\n",
            "apps/core/mix.exs": _mix("Core", _app("core", deps)),
            "apps/web/mix.exs": _mix("Web", _app("web", "{:core, in_umbrella: true}")),
            "apps/core/priv/data.txt": str(self.resource),
            # Of what the lock says of its dependencies, only those of its dependency change.
            "apps/web/lib/bark.ex": "defmodule Web.Bark do\n  require Beta\n  def made, do: Beta.made_here()\nend\n",
            "apps/core/lib/core.ex": f"defmodule Core do\n  defmacro here(value), do: {{value, {self.macro}}}\n"
            f"  defstruct [{', '.join(f':f{number}' for number in range(self.fields))}]\nend\n",
        }
        for name, value in self.core.items():
            files[f"apps/core/lib/{self.directory}/{name.lower()}.ex"] = (
                f"defmodule Core.{name} do\n  require Alpha\n  require Beta\n  require Core\n"
                '  @external_resource "priv/data.txt"\n  @data File.read!("priv/data.txt")\n'
                "  @level Application.compile_env(:core, :level)\n  defstruct [:x]\n"
                f"  def value, do: {{Core.here({value}), Alpha.twice({value}), Beta.made_here(), @data, %Core{{}}}}\n"
                f"  def level, do: @level\nend\n"
                + (
                    f'defimpl Alpha.Show, for: Core.{name} do\n  def show(_), do: "{name}{value}"\nend\n'
                    if name in self.shown
                    else ""
                )
            )
        for name, value in self.web.items():
            at = ", ".join(f"Core.{each}.value()" for each in sorted(self.core))
            files[f"apps/web/lib/{name.lower()}.ex"] = (
                f"defmodule Web.{name} do\n  @at [{at}]\n  def at, do: {{@at, {value}, Alpha.level()}}\nend\n"
            )
        return files

    def change(self, kind: str, name: str, digit: int) -> None:
        """Change one thing."""
        match kind:
            case "module":
                self.core[name] = digit
            case "remove" if len(self.core) > 1:
                self.core.pop(name, None)
            case "sibling":
                self.web[name] = digit
            case "remove sibling":
                self.web.pop(name, None)
            case "protocol":
                self.shown ^= {name}
            case "rename":
                self.directory = "ab"[digit % 2]
            case "alpha":
                self.alpha = VERSIONS[digit % 2]
            case "macro" | "fields" | "level" | "alpha_level" | "resource" | "version":
                setattr(self, kind, digit)


KINDS = (
    "module",
    "remove",
    "sibling",
    "remove sibling",
    "protocol",
    "rename",
    "alpha",
    "macro",
    "fields",
    "level",
    "alpha_level",
    "resource",
    "version",
)
CHANGES = st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES), st.integers(1, 9))


def _mix(module: str, project: str) -> str:
    return f"defmodule {module}.MixProject do\n  use Mix.Project\n\n  def project do\n    [{project}]\n  end\nend\n"


def _app(name: str, deps: str) -> str:
    up = "../.."
    return (
        f'app: :{name}, version: "0.1.0", deps: [{deps}],\n     build_path: "{up}/_build", deps_path: "{up}/deps",\n'
        f'     config_path: "{up}/config/config.exs", lockfile: "{up}/mix.lock"'
    )


def write(root: Path, files: dict[str, str], age: int) -> None:
    """Make the files those of the project; what is changed is old, as in a checkout of an older commit."""
    for path in [each for each in root.rglob("*") if each.is_file()]:
        if path.relative_to(root).as_posix() not in (*files, "relbuild.yml", "hex.pem"):
            path.unlink()
    for name, text in files.items():
        path = root / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            os.utime(path, (age, age))


@dataclass(slots=True)
class Builds:
    """Builds a project's release as its Dockerfile says, with the cache of the run or with none."""

    docker: Docker
    relbuild: Callable[..., Ran]
    project: Path
    run_id: str
    count: int = 0

    def release(self, *, clean: bool) -> dict[str, bytes]:
        """Return the files of the dependencies and of the project."""
        text = self.relbuild("dockerfile", cwd=self.project).stdout
        self.count += 1
        cache = f"relbuild-test-{self.run_id}-{self.count if clean else 'kept'}"
        layers = [f"COPY --from=release /layers/{name}/ /\n" for name in ("deps-0", "app") if f"/{name}/" in text]
        text += "".join(("\nFROM scratch AS released\n", *layers))
        file = self.project.parent / "Dockerfile"
        file.write_text(text)
        out = self.project.parent / "out"
        shutil.rmtree(out, ignore_errors=True)
        again = ("--no-cache-filter", "manifests,deps,build,release") if clean else ()
        self.docker(
            *("buildx", "build", "--progress", "plain", "--network", "host", "--target", "released", *again),
            *("--build-context", f"scripts={SCRIPTS}", "--build-arg", f"CACHE={cache}"),
            *("--output", f"type=local,dest={out}", "--file", str(file), str(self.project)),
        )
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trees(
    docker: Docker,
    relbuild: Callable[..., Ran],
    elixir: str,
    labels: tuple[str, ...],
    run_id: str,
    tmp_path_factory: Any,
) -> Iterator[tuple[Builds, Model]]:
    """Give a project with dependencies from a Hex repository on loopback, and what builds it."""
    directory = tmp_path_factory.mktemp("hexrepo")
    hexrepo.publish(directory, {"hexpm": (*map(alpha, VERSIONS), beta())}, elixir, labels)
    project = tmp_path_factory.mktemp("incremental") / "trees"
    project.mkdir()
    with hexrepo.serve(directory) as serving:
        shutil.copy(directory / "hexpm" / "public_key", project / "hex.pem")
        (project / "relbuild.yml").write_text(
            "toolchain: debian\ndebian: trixie\nbuilder:\n  network: host\n"
            f"  env: {{HEX_API_URL: {serving.url}/api}}\n"
            f"  repos:\n    hexpm: {{url: {serving.url}, public_key: hex.pem, auth: false}}\n"
        )
        model = Model({version: locked(docker, elixir, labels, serving.url, project, version) for version in VERSIONS})
        yield Builds(docker, relbuild, project, run_id), model


def locked(docker: Docker, elixir: str, labels: tuple[str, ...], url: str, project: Path, version: str) -> str:
    """Return the mix.lock that Mix writes for a version of alpha."""
    mix = _mix("Locked", f'app: :locked, version: "1.0.0", deps: [{{:alpha, "{version}"}}, {{:beta, "~> 1.0"}}]')
    script = (
        "set -e; mkdir /tmp/p; cd /tmp/p; cat >mix.exs; "
        f"mix hex.repo add hexpm {url} --public-key /hex.pem >&2; mix deps.get >&2; cat mix.lock"
    )
    given = ("--env", f"HEX_API_URL={url}/api", "--volume", f"{project}/hex.pem:/hex.pem:ro")
    run = ("run", "--rm", "--interactive", "--network", "host", *labels, *given, elixir, "sh", "-c", script)
    return str(docker(*run, stdin=mix)) + "\n"


def same(kept: dict[str, bytes], clean: dict[str, bytes]) -> list[str]:
    """Return the files that differ."""
    return [name for name in sorted(kept.keys() | clean.keys()) if kept.get(name) != clean.get(name)]


# Each example goes on from where the one before it left the project, as commits do: none can be tried by itself again,
# so nothing is shrunk.
@seed(int(os.environ.get("RELBUILD_TEST_SEED", "20")))
@settings(
    max_examples=int(os.environ.get("RELBUILD_TEST_CHANGES", "7")),
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(changes=st.lists(CHANGES, min_size=1, max_size=4), age=st.integers(10**9, 10**9 + 10**8))
def test_a_release_is_the_one_of_a_clean_build(
    trees: tuple[Builds, Model], changes: list[tuple[str, str, int]], age: int
) -> None:
    builds, model = trees
    for change in changes:
        model.change(*change)
    write(builds.project, model.files(), age)
    kept, clean = builds.release(clean=False), builds.release(clean=True)
    assert "app/lib/web-0.1.0/ebin/web.app" in clean
    assert same(kept, clean) == [], changes


MIXED = """defmodule Mix.Tasks.Compile.Make do
  use Mix.Task.Compiler
  def run(_) do
    {_, 0} = System.cmd("make", [], env: [{"MIX_APP_PATH", Mix.Project.app_path()}])
    :ok
  end
end
defmodule Mixed.MixProject do
  use Mix.Project
  def project do
    [app: :mixed, version: "VERSION" |> File.read!() |> String.trim(), compilers: [COMPILERS], deps: []]
  end
end
"""
MAKE = """PRIV = $(MIX_APP_PATH)/priv
$(PRIV)/SHIPPED: $(MIX_APP_PATH)/made
\tmkdir -p $(PRIV) && cp $< $@
$(MIX_APP_PATH)/made: native/text.in
\tcat $< native/more.h >$@
"""
READS = """defmodule Mixed do
  @version String.to_atom(Mix.Project.config()[:version])
  @external_resource "lib/current/data.txt"
  @data String.to_atom(File.read!("lib/current/data.txt"))
  @asked Application.compile_env(:mixed, :asked)
  def version, do: @version
  def data, do: @data
  def asked, do: @asked
end
"""
FOLLOWED_IN_PART = {
    "mix.exs": MIXED.replace("COMPILERS", ":make, :yecc, :erlang, :elixir, :app"),
    "VERSION": "1.0.0\n",
    "Makefile": MAKE.replace("SHIPPED", "a.txt"),
    "native/text.in": "text",
    "native/more.h": "more",
    "config/config.exs": "import Config\nread = &String.to_atom(File.read!(&1))\n"
    'config :mixed, asked: read.(Path.expand("../lib/asked.txt", __DIR__))\n',
    "lib/asked.txt": "asked_before",
    "lib/one/data.txt": "data_before",
    "lib/two/data.txt": "data_after",
    "lib/mixed.ex": READS,
    "src/read.yrl": "Nonterminals e.\nTerminals n.\nRootsymbol e.\ne -> n : '$1'.\n",
    "src/plain.erl": '-module(plain).\n-include("plain.hrl").\n-export([x/0]).\nx() -> ?X.\n',
    "src/plain.hrl": "-define(X, hidden).\n",
    "include/plain.hrl": "-define(X, shown).\n",
}


def test_what_mix_does_not_follow(docker: Docker, relbuild: Callable[..., Ran], run_id: str, tmp_path: Path) -> None:
    project = tmp_path / "mixed"
    project.mkdir()
    (project / "relbuild.yml").write_text("toolchain: debian\ndebian: trixie\n")
    builds = Builds(docker, relbuild, project, run_id)
    files: dict[str, str] = dict(FOLLOWED_IN_PART)

    def built(changed: dict[str, str | None], data: str = "one") -> dict[str, bytes]:
        """Build the project with these changes, and return the files of its application in the release."""
        files.update({name: text for name, text in changed.items() if text is not None})
        for name in [name for name, text in changed.items() if text is None]:
            del files[name]
        # Another time for each: by it, and by the size, buildx tells what has changed.
        write(project, files, 10**9 + builds.count)
        (project / "lib" / "current").unlink(missing_ok=True)
        (project / "lib" / "current").symlink_to(data)
        found = builds.release(clean=False)
        return {name.partition("/lib/mixed-")[2]: content for name, content in found.items() if "/lib/mixed-" in name}

    assert built({})["1.0.0/priv/a.txt"] == b"textmore"
    assert built({"native/more.h": "less"})["1.0.0/priv/a.txt"] == b"textless"
    renamed = built({"Makefile": MAKE.replace("SHIPPED", "b.txt")})
    assert sorted(name for name in renamed if "/priv/" in name) == ["1.0.0/priv/b.txt"]
    versioned = built({"VERSION": "1.1.0\n"})
    assert {name.partition("/")[0] for name in versioned} == {"1.1.0"}
    assert b"1.1.0" in versioned["1.1.0/ebin/Elixir.Mixed.beam"]
    assert b"asked_after" in built({"lib/asked.txt": "asked_after"})["1.1.0/ebin/Elixir.Mixed.beam"]
    assert b"data_after" in built({}, "two")["1.1.0/ebin/Elixir.Mixed.beam"]
    assert b"shown" in built({"src/plain.hrl": None}, "two")["1.1.0/ebin/plain.beam"]
    by_hand = "-module(read).\n-export([by_hand/0]).\nby_hand() -> ok.\n"
    assert b"by_hand" in built({"src/read.yrl": None, "src/read.erl": by_hand}, "two")["1.1.0/ebin/read.beam"]
    assert "1.1.0/ebin/plain.beam" not in built({"mix.exs": MIXED.replace("COMPILERS", ":make, :elixir, :app")}, "two")
    assert same(builds.release(clean=False), builds.release(clean=True)) == []


PLAIN = _mix("Plain", 'app: :plain, version: "1.0.0", deps: []')


@pytest.fixture
def plain(docker: Docker, relbuild: Callable[..., Ran], run_id: str, tmp_path: Path) -> Builds:
    """Return what builds a project without dependencies, in a directory of its own."""
    project = tmp_path / "plain"
    project.mkdir()
    (project / "relbuild.yml").write_text("toolchain: debian\ndebian: trixie\n")
    return Builds(docker, relbuild, project, f"{run_id}-{tmp_path.name}")


def test_two_projects_of_one_name_in_turn(plain: Builds) -> None:
    """By plain docker they share their caches: what one has compiled is never part of the other."""
    one = {
        "mix.exs": PLAIN,
        "lib/plain.ex": "defmodule Plain do\n  def name, do: :one\nend\n",
        "lib/one.ex": "defmodule Plain.One do\n  use Plain.Kind\nend\n",
        "lib/kind.ex": "defmodule Plain.Kind do\n  defmacro __using__(_), do: quote(do: def(kind, do: :first))\nend\n",
        "src/read.erl": "-module(read).\n-export([x/0]).\nx() -> one.\n",
    }
    other = {
        "mix.exs": PLAIN,
        "lib/plain.ex": "defmodule Plain do\n  def name, do: :two\nend\n",
        "lib/kind.ex": "defmodule Plain.Kind do\n  defmacro __using__(_), do: quote(do: def(kind, do: :other))\nend\n",
        "lib/two.ex": "defmodule Plain.Two do\n  use Plain.Kind\nend\n",
    }
    for files in (one, other, one):
        write(plain.project, files, 10**9)
        kept, clean = plain.release(clean=False), plain.release(clean=True)
        assert same(kept, clean) == []
        assert any(name.endswith("/Elixir.Plain.One.beam") for name in kept) == (files is one)


def test_another_toolchain_compiles_everything(plain: Builds) -> None:
    config = plain.project / "relbuild.yml"
    files = {
        "mix.exs": PLAIN,
        "lib/plain.ex": 'defmodule Plain do\n  def x, do: unquote(String.to_atom(System.get_env("X")))\nend\n',
    }
    config.write_text(f"{config.read_text()}builder: {{env: {{X: before}}}}\n")
    write(plain.project, files, 10**9)
    [before] = [text for name, text in plain.release(clean=False).items() if name.endswith("Elixir.Plain.beam")]
    config.write_text(config.read_text().replace("before", "afterwards"))
    [after] = [text for name, text in plain.release(clean=False).items() if name.endswith("Elixir.Plain.beam")]
    assert (b"before" in before, b"afterwards" in after) == (True, True)


LEXER = "Definitions.\nRules.\n[0-9]+ : {token, {WORD, TokenLine}}.\nErlang code.\n"
TEMPLATES = """defmodule Plain.Templates do
  require EEx
  @paths Path.wildcard("lib/templates/*.eex")
  @paths_hash :erlang.md5(@paths)
  for path <- @paths do
    @external_resource path
    EEx.function_from_file(:def, path |> Path.basename(".eex") |> String.to_atom(), path)
  end
  def __mix_recompile__?, do: "lib/templates/*.eex" |> Path.wildcard() |> :erlang.md5() != @paths_hash
end
"""


def test_sources_of_every_kind_that_are_changed_and_removed(plain: Builds) -> None:
    """Each is a commit, the last of them the first one again."""
    first: dict[str, str] = {
        "mix.exs": PLAIN,
        "lib/plain.ex": "defmodule Plain do\n  defstruct [:a]\nend\n",
        "lib/user.ex": "defmodule Plain.User do\n  def new, do: %Plain{}\nend\n",
        "lib/templates.ex": TEMPLATES,
        "lib/templates/show.eex": "one",
        "lib/templates/edit.eex": "two",
        "src/words.xrl": LEXER.replace("WORD", "number"),
        "src/plain_erl.erl": '-module(plain_erl).\n-include("plain.hrl").\n-export([x/0]).\nx() -> ?X.\n',
        "src/plain.hrl": "-define(X, one).\n",
        "priv/kept.txt": "kept",
        "priv/gone.txt": "gone",
    }
    changes: list[dict[str, str | None]] = [
        {"lib/plain.ex": "defmodule Plain do\n  defstruct [:a, :b]\nend\n"},
        {"lib/templates/show.eex": "six"},
        {"lib/templates/edit.eex": None},
        {"src/words.xrl": LEXER.replace("WORD", "figure")},
        {"src/plain.hrl": "-define(X, two).\n"},
        {"src/words.xrl": None, "priv/gone.txt": None},
        {"lib/user.ex": None},
        {"src/plain_erl.erl": None},
        dict(first),
    ]
    files = dict(first)
    write(plain.project, files, 10**9)
    plain.release(clean=False)
    for number, change in enumerate(changes):
        files = {name: text for name, text in {**files, **change}.items() if text is not None}
        write(plain.project, files, 10**9 + number)
        assert same(plain.release(clean=False), plain.release(clean=True)) == [], change
