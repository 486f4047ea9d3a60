"""Which files the build sees of an umbrella, of path dependencies, and of odd projects."""

from __future__ import annotations

import dataclasses
import posixpath
from typing import Any

import pytest

from relbuild.config import Config, parse
from relbuild.errors import Mark, ProjectError
from relbuild.image.dockerfile.dockerignore import dockerignore_name, render_dockerignore
from relbuild.image.dockerfile.render import render_dockerfile
from relbuild.image.plan.location import Link, Location
from relbuild.image.plan.plan import Plan, make_plan
from relbuild.image.plan.sources import find_sources, is_excluded
from relbuild.mix import project
from tests.unit.image.plan.test_plan import DictTree

MIX = """defmodule A.MixProject do
  use Mix.Project
  def project, do: [app: :APP, version: "1.0.0", OPTIONS]
end
"""
UMBRELLA = """defmodule U.MixProject do
  use Mix.Project
  def project, do: [apps_path: "apps", version: "1.0.0", releases: [u: [applications: [a: :permanent]]]]
end
"""


def mix(app: str, options: str = "deps: []") -> str:
    return MIX.replace("APP", app).replace("OPTIONS", options)


class Above(DictTree):
    """Files in memory by their paths from the git root, with the project in a directory of it."""

    def __init__(self, files: dict[str, str], directory: str) -> None:
        super().__init__(files)
        self.directory = directory

    def read(self, path: str) -> bytes | None:
        return super().read(self._below(path))

    def list(self, directory: str) -> tuple[str, ...]:
        return super().list(self._below(directory))

    def _below(self, path: str) -> str:
        found = posixpath.normpath(posixpath.join(self.directory, path))
        return "" if found == "." else found


class Ignored:
    """What a .dockerignore leaves out."""

    def __init__(self, text: str) -> None:
        self.patterns = [line for line in text.splitlines() if line and not line.startswith("#")]

    def __call__(self, path: str) -> bool:
        return is_excluded(self.patterns, path)


def plan(files: dict[str, str], directory: str = ".", config: str = "", here: str = "") -> Plan:
    tree = Above(files, directory)
    names = () if directory == "." else tuple(directory.split("/"))
    location = Location(names, git=True, here=here)
    return make_plan(
        project.read_project(tree), parse(config.encode()) if config else Config(), tree, location=location
    )


def sources(files: dict[str, str], directory: str = ".") -> dict[str, Any]:
    found = dataclasses.asdict(plan(files, directory).sources)
    return {name: value for name, value in found.items() if value not in ((), None)}


def test_links_out_of_the_context_are_left_out_and_told() -> None:
    files = {"mix.exs": mix("a"), "lib/a.ex": "", "result/bin/a": "", "VERSION": "", "notes": "", ".envrc": ""}
    links = (
        Link(".envrc", "/home/me/.envrc", None),
        Link("VERSION", "../VERSION", 1),
        Link("gone", "/nowhere", None),
        Link("notes", "../../notes", 2),
        Link("result", "/nix/store/a", None),
    )

    location = Location(("x", "app"), git=True, links=links)
    tree = Above({f"x/app/{name}": text for name, text in files.items()}, "x/app")
    found = find_sources(tree, project.read_project(tree), location)
    assert (found.files, found.directories) == ((), ("lib/",))
    assert [note.partition(" is a link to ")[0] for note in found.notes] == ["VERSION", "notes", "result"]
    # What lies in a context that is wider is seen.
    above = mix("a", 'deps: [{:core, path: "../core"}]')
    tree = Above({"x/app/mix.exs": above, "x/app/VERSION": "", "x/core/mix.exs": mix("core")}, "x/app")
    found = find_sources(tree, project.read_project(tree), location)
    assert ("VERSION" in found.files, found.context.base) == (True, "app")


def test_links_deep_in_the_project_are_told() -> None:
    names = (
        *("config/dev.local.exs", "lib/shared", "priv/static/uploads", "rel/overlays/a", "lib/b", "test/support/c"),
        *("assets/node_modules/d", "lib/.#e.ex"),
    )
    found = find_sources(
        Above({"app/mix.exs": mix("a"), "app/lib/a.ex": ""}, "app"),
        project.read_project(Above({"app/mix.exs": mix("a")}, "app")),
        Location(("app",), links=tuple(Link(name, "/mnt/x", None) for name in names)),
    )
    assert found.notes == (
        "config/dev.local.exs is a link to /mnt/x, out of what the build sees: nothing is behind it",
        "lib/shared is a link to /mnt/x, out of what the build sees: nothing is behind it",
        "priv/static/uploads is a link to /mnt/x, out of what the build sees: nothing is behind it",
        "2 more links lead out of what the build sees",
    )


@pytest.mark.parametrize("name", ["config/config.exs", "config/runtime.exs", "apps/web/mix.exs"])
def test_a_file_that_the_build_needs_is_no_link_out_of_it(name: str) -> None:
    umbrella = (
        'defmodule U.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: "apps", version: "1.0.0"]\nend\n'
    )
    files = {"mix.exs": umbrella, "apps/web/mix.exs": mix("web"), "config/config.exs": "", "config/runtime.exs": ""}
    tree = Above(files, ".")
    with pytest.raises(ProjectError, match=f"{name} is a link to ../../x, out of what the build sees") as raised:
        find_sources(tree, project.read_project(tree), Location(links=(Link(name, "../../x", 1),)))
    assert raised.value.problems[0].at == Mark(name, 1)


def test_the_smallest_project() -> None:
    assert sources({"mix.exs": mix("a")}) == {
        "context": {"base": ""},
        "manifests": ("mix.exs",),
        "build_path": "/src/_build",
    }


def test_path_dependencies_in_the_project_and_beside_it() -> None:
    files = {
        "api/mix.exs": mix(
            "api", 'deps: [{:core, path: "../core"}, {:own, path: "libs/own"}, {:vendored, path: "deps/v"}]'
        ),
        "api/lib/a.ex": "",
        "api/libs/own/mix.exs": mix("own", 'deps: [{:core, path: "../../../core"}]'),
        "api/deps/v/mix.exs": mix("vendored"),
        "api/deps/v/src/v.erl": "",
        "core/mix.exs": mix(
            "core", 'deps: [{:tests, path: "../tests", only: :test}, {:nice, path: "../nice", optional: true}]'
        ),
        "core/lib/c.ex": "",
        "core/test/c.exs": "",
        "core/README.md": "",
        "unrelated/x": "",
    }
    assert sources(files, "api") == {
        "context": {"base": "api"},
        "manifests": ("mix.exs", "../core/mix.exs", "libs/own/mix.exs", "deps/v/mix.exs"),
        "directories": ("lib/", "libs/"),
        "beside": ("../core/lib/", "deps/v/src/"),
        "projects": ("../core", "libs/own", "deps/v"),
        "kept": ("deps/v",),
        "build_path": "/src/api/_build",
    }
    assert plan(files, "api").applications == ("api", "core", "own", "vendored")


def test_the_ignore_file_of_a_wider_context() -> None:
    files = {
        "api/mix.exs": mix("api", 'deps: [{:core, path: "../core"}, {:vendored, path: "deps/v"}]'),
        "api/deps/v/mix.exs": mix("vendored"),
        "core/mix.exs": mix("core"),
    }
    found = plan(files, "api")
    lines = render_dockerignore(found).splitlines()
    assert {"api/deps/", "**/.git", "**/_build/", "core/deps/", "**/.env"} <= set(lines)
    assert lines.index("api/deps/") < lines.index("!api/deps/v/") < lines.index("api/deps/v/deps/")
    assert lines.index("!api/deps/v/") < lines.index("api/deps/v/**/_build/")
    assert dockerignore_name(found) == "Dockerfile.dockerignore"


def test_what_the_dockerfile_names_is_never_left_out() -> None:
    options = 'deps: [{:jason, "~> 1.4"}], aliases: ["assets.deploy": ["cmd --cd assets npm run build", "phx.digest"]]'
    files = {
        "mix.exs": mix("shop", options),
        "assets/package.json": '{"scripts": {"build": "x"}, "dependencies": {"x": "1"}}',
        "assets/package-lock.json": "{}",
        "assets/.npmrc": "",
    }
    config = "builder: {repos: {hexpm: {url: 'https://m.example.com', public_key: keys/m.pem, auth: false}}}"
    lines = render_dockerignore(plan(files, config=config)).splitlines()
    assert lines[lines.index("# What the Dockerfile names is wanted all the same:") + 1 :] == [
        "!keys/m.pem",
        "!assets/.npmrc",
    ]


def test_a_child_of_an_umbrella_that_defines_releases_itself() -> None:
    paths = (
        "releases: [web: []], "
        'build_path: "../../_build", config_path: "../../config/config.exs", '
        'deps_path: "../../deps", lockfile: "../../mix.lock", '
    )
    files = {
        "mix.exs": 'defmodule U.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: "apps"]\nend\n',
        "mix.lock": "%{}",
        "config/config.exs": "",
        "config/test.exs": "",
        "config/runtime.exs": "",
        "apps/web/mix.exs": mix("web", paths + "deps: [{:core, in_umbrella: true}]"),
        "apps/web/lib/w.ex": "",
        "apps/core/mix.exs": mix("core", paths + "deps: []"),
        "apps/core/lib/c.ex": "",
    }
    assert sources(files, "apps/web") == {
        "context": {"base": "apps/web"},
        "manifests": ("mix.exs", "../../mix.lock", "../core/mix.exs"),
        "compile_config": ("../../config/config.exs",),
        "directories": ("lib/",),
        "beside": ("../core/lib/",),
        "late": ("../../config/runtime.exs",),
        "projects": ("../core",),
        "build_path": "/src/_build",
        "lockfile": "../../mix.lock",
    }
    text = render_dockerfile(plan(files, "apps/web"))
    assert "COPY config/runtime.exs /layers/configuration/app/releases/1.0.0/runtime.exs" in text
    assert 'ENV MIX_BUILD_PATH="/src/_build/prod"' in text


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ('@external_resource "README.md"', ("README.md",)),
        ('@text File.read!("../docs/intro.md")', ("docs/",)),
        ('@posts Path.wildcard("guides/**/*.md")', ("guides/",)),
        ('get "/docs", DocsController, :index', ()),
        ('# as "README.md" has it\n  def docs, do: ~s(docs)', ("README.md",)),
    ],
)
def test_documents_are_part_of_the_build_where_code_reads_them(text: str, files: tuple[str, ...]) -> None:
    there = dict.fromkeys(("README.md", "CHANGELOG.md", "AGENTS.md", "LICENSE", "docs/intro.md", "guides/a.md"), "")
    found = plan({"mix.exs": mix("a"), **there, "lib/a.ex": f"defmodule A do\n  {text}\nend\n"})
    assert (*found.sources.files, *(path for path in found.sources.directories if path != "lib/")) == files
    left_out = Ignored(render_dockerignore(found))
    assert {path for path in there if not left_out(path)} == {path for path in there if path.startswith(files)}


def test_documents_of_an_umbrellas_applications() -> None:
    files = {"mix.exs": UMBRELLA, "apps/a/mix.exs": mix("a"), "apps/b/mix.exs": mix("b"), "apps/a/README.md": ""}
    read = {"apps/b/README.md": "", "apps/b/lib/b.ex": 'defmodule B do\n  @x File.read!("README.md")\nend\n'}
    assert Ignored(render_dockerignore(plan(files)))("apps/a/README.md")
    assert not Ignored(render_dockerignore(plan({**files, **read})))("apps/b/README.md")


@pytest.mark.parametrize(
    ("umbrella", "hint"),
    [
        ("releases: [a: [applications: [web: :permanent]], b: [applications: [core: :load]]]", "{image} --release a"),
        (
            "releases: [a: [applications: [web: :load]], b: [applications: [web: :permanent]]]",
            "{image} --release a; or {image} --release b",
        ),
        (
            "deps: []",
            "add to `project` in ../../mix.exs: releases: [web: [applications: [web: :permanent]]], then {image}",
        ),
    ],
)
@pytest.mark.parametrize(
    ("here", "image"),
    [
        (".", "relbuild image -C ../.."),
        # Where relbuild was called with -C.
        ("apps/web", "relbuild image"),
        ("../web", "relbuild image -C ../.."),
        ("my shop/apps/web", "relbuild image -C 'my shop'"),
    ],
)
def test_a_child_of_an_umbrella_is_built_from_the_root(umbrella: str, hint: str, here: str, image: str) -> None:
    root = 'defmodule U.MixProject do\n  use Mix.Project\n  def project, do: [version: "1.0.0", OPTIONS]\nend\n'
    files = {
        "mix.exs": root.replace("OPTIONS", f'apps_path: "apps", {umbrella}'),
        "apps/web/mix.exs": mix("web"),
        "apps/core/mix.exs": mix("core"),
    }
    with pytest.raises(ProjectError) as raised:
        plan(files, "apps/web", here=here)
    [problem] = raised.value.problems
    assert (problem.message, problem.at, problem.hint) == (
        "web is an application of the umbrella project in ../.., which is built as a whole: its configuration, its "
        "lock file and its releases are there",
        Mark("mix.exs", 3, 26),
        hint.format(image=image),
    )


@pytest.mark.parametrize(
    "above",
    [
        "defmodule U.MixProject do\n  use Mix.Project\n  def project, do: [app: :u]\nend\n",
        'defmodule U.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: "services"]\nend\n',
        'defmodule U.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: "apps", apps: [:core]]\nend\n',
        "apps_path: (",
    ],
)
def test_a_project_below_another_that_it_is_no_part_of(above: str) -> None:
    files = {"mix.exs": above, "apps/web/mix.exs": mix("web"), "apps/core/mix.exs": mix("core")}
    assert plan(files, "apps/web").applications == ("web",)


def test_configuration_that_is_imported_from_elsewhere() -> None:
    files = {
        "api/mix.exs": mix("api"),
        "api/config/config.exs": 'import_config "../../shared/#{config_env()}.exs"\nimport_config("prod.exs")\n',
        "api/config/prod.exs": "",
        "shared/prod.exs": 'import_config "more/*.exs"',
        "shared/more/a.exs": "",
        "shared/more/b.txt": "",
        "shared/test.exs": 'import_config "../gone.exs"',
    }
    assert sources(files, "api")["compile_config"] == (
        "config/config.exs",
        "config/prod.exs",
        "../../shared/more/a.exs".removeprefix("../"),
        "../shared/prod.exs",
        "../shared/test.exs",
    )


def test_files_that_mix_exs_reads_from_above() -> None:
    files = {
        "api/mix.exs": mix("api").replace('"1.0.0"', 'String.trim(File.read!("../VERSION"))'),
        "VERSION": "1.2.3\n",
    }
    found = plan(files, "api")
    assert (found.sources.manifests, found.sources.context.base) == (("mix.exs", "../VERSION"), "api")


def test_a_path_dependency_that_is_not_there() -> None:
    with pytest.raises(ProjectError) as raised:
        plan({"mix.exs": mix("a", 'deps: [{:gone, path: "vendor/gone"}]')})
    [problem] = raised.value.problems
    assert (problem.message, problem.at) == (
        "dependency gone: there is nothing at vendor/gone",
        Mark("mix.exs", 3, 55),
    )


def test_path_dependencies_that_depend_on_one_another() -> None:
    files = {
        "a/mix.exs": mix("a", 'deps: [{:b, path: "../b"}]'),
        "b/mix.exs": mix("b", 'deps: [{:c, path: "../c"}, {:b, path: "."}]'),
        "c/mix.exs": mix("c", 'deps: [{:b, path: "../b"}]'),
    }
    assert sources(files, "a")["projects"] == ("../b", "../c")


def test_a_rebar_dependency_gives_its_own_manifest_and_any_other_all_of_it() -> None:
    files = {
        "mix.exs": mix("a", 'deps: [{:e, path: "e"}, {:data, path: "data", app: false, compile: false}]'),
        "e/rebar.config": "",
        "e/src/e.erl": "",
        "data/x.json": "",
    }
    assert sources(files)["manifests"] == ("mix.exs", "e/rebar.config", "data/")


def test_a_name_that_is_no_utf8() -> None:
    with pytest.raises(ProjectError, match="has bytes that are no UTF-8") as raised:
        plan({"mix.exs": mix("a"), "lib\udcff/a.ex": ""})
    assert raised.value.problems[0].message.encode()


@pytest.mark.parametrize("url", ["file:///srv/x.git", "/srv/x.git", "../x", "./x", "~/x"])
def test_a_git_repository_on_the_machines_own_disk(url: str) -> None:
    with pytest.raises(ProjectError) as raised:
        plan({"mix.exs": mix("a", f'deps: [{{:x, git: "{url}"}}]')})
    assert str(raised.value) == f"dependency x: {url} is a repository on this machine's disk, which no build stage has"
    assert raised.value.problems[0].at == Mark("mix.exs", 3, 55)


def test_what_mix_reads_is_there_before_the_dependencies_are_fetched() -> None:
    near = mix("near", 'deps: deps(:file.consult("build.config"))').replace(
        "\nend\n", "\n  defp deps(_), do: []\nend\n"
    )
    files = {
        "api/mix.exs": mix("api", 'deps: deps(Config.Reader.read!("config/mix.exs"), File.ls!("rel/steps"))').replace(
            "\nend\n",
            "\n  defp deps(_, _), do: "
            '[{:jason, "~> 1.4"}, {:near, path: System.get_env("LIBS", "../libs") <> "/near"}]\nend\n',
        ),
        "api/config/config.exs": "import Config\n",
        "api/config/mix.exs": "import Config\n",
        "api/rel/steps/one.exs": "",
        "api/lib/api.ex": "",
        "libs/near/mix.exs": near,
        "libs/near/build.config": "{a, 1}.",
    }
    found = plan(files, "api")
    assert found.sources.manifests == (
        "mix.exs",
        "../libs/near/mix.exs",
        "../libs/near/build.config",
        "config/mix.exs",
        "rel/steps/",
    )
    assert found.sources.compile_config == ("config/config.exs",)
    text = render_dockerfile(found)
    for copied in ("libs/near/build.config", "api/config/mix.exs", "api/rel/steps/"):
        assert text.index(copied) < text.index("deps.get --only")


@pytest.mark.parametrize("call", ['System.cmd("git", ["describe"])', 'File.read!(".git/HEAD")'])
def test_what_needs_git_is_reported_with_the_fix(call: str) -> None:
    found = plan({"mix.exs": mix("a").replace('"1.0.0"', f"v({call})")})
    [note] = [note for note in found.notes if ".git" in note]
    assert note == (
        "mix.exs:3 needs a git repository, and the build has none, as .git isn't copied into it: read a variable "
        'instead, such as System.get_env("GIT_SHA"), and set it in builder.env'
    )


WEB = {
    "apps/web/mix.exs": mix("web", 'deps: [], aliases: ["assets.deploy": ["cmd --cd assets npm run build"]]'),
    "apps/web/assets/package-lock.json": "{}",
    "shared/ui/package.json": '{"name": "ui"}',
    "shared/ui/index.js": "",
    "shared/ui/node_modules/x.js": "",
}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_npm_packages_above_the_project_are_copied(kind: str) -> None:
    package = f'{{"dependencies": {{"ui": "{kind}:../../../shared/ui"}}, "scripts": {{"build": "x"}}}}'
    found = plan({**WEB, "apps/web/assets/package.json": package}, "apps/web")
    assert found.sources.context.base == "apps/web"
    assert found.sources.beside == ("../../shared/ui/index.js", "../../shared/ui/package.json")
    text = render_dockerfile(found)
    assert text.index("shared/ui/ ") < text.index("npm ci")
    assert "shared/ui/index.js" in text[text.index("npm ci") :]


def test_npm_packages_that_no_build_can_see() -> None:
    def refused(dependency: str) -> str:
        package = f'{{"dependencies": {{"ui": "file:{dependency}"}}, "scripts": {{"build": "x"}}}}'
        with pytest.raises(ProjectError) as caught:
            plan({**WEB, "apps/web/assets/package.json": package}, "apps/web")
        return caught.value.problems[0].message

    assert refused("../../../shared/gone") == "assets/package.json: there is nothing at ../../shared/gone"
    assert "lies outside of the git repository" in refused("../../../../elsewhere")
    assert "an absolute path" in refused("/opt/ui")
