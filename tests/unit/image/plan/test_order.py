"""Which step reads which files: what a change of one of them has to build again."""

from __future__ import annotations

import pytest

from relbuild.config import Config
from relbuild.image.plan.location import Link, Location
from relbuild.image.plan.plan import make_plan
from relbuild.image.plan.steps import RuntimeConfiguration, StepOrder
from relbuild.mix import project
from tests.unit.image.plan.test_plan import DictTree
from tests.unit.image.plan.test_sources import UMBRELLA, mix, plan

TASKS = '"assets.deploy": ["tailwind a --minify", "esbuild a --minify", "phx.digest"]'
MIX = mix(
    "a", f'deps: [{{:phoenix, "~> 1.8"}}], compilers: [:phoenix_live_view] ++ Mix.compilers(),\n aliases: [{TASKS}]'
)
MIX = MIX.replace("Mix.compilers(),\n", "Mix.compilers(),\n     ")
FILES = {
    "mix.exs": MIX,
    "config/config.exs": "import Config\nconfig :esbuild, a: [args: ~w(js/app.js --outdir=../priv/static/assets/js)]\n"
    "config :tailwind, a: [args: ~w(--output=priv/static/assets/css/app.css)]\n",
    "config/runtime.exs": "import Config\n",
    "assets/js/app.js": "",
    "lib/a.ex": 'defmodule A do\n  def static_paths, do: ~w(assets fonts)\n  def at, do: "/assets/app.css"\nend\n',
    "lib/a/endpoint.ex": '  # Serve at "/" the files of "priv/static".\n  plug Plug.Static, from: :a\n',
    "priv/gettext/a.pot": "",
    "priv/repo/migrations/1_a.exs": "",
    "priv/static/favicon.ico": "",
}
BESIDE = StepOrder(
    build=("lib/", "priv/gettext/"),
    assets=("assets/", "priv/static/"),
    release=("priv/repo/",),
    beside=True,
    static=(("a", "priv/static"),),
    runtime=RuntimeConfiguration("config/runtime.exs", "1.0.0"),
)


def order(more: dict[str, str]) -> StepOrder:
    return plan({**FILES, **more}).order


def test_phoenix_builds_its_assets_beside_the_release() -> None:
    assert order({}) == BESIDE


@pytest.mark.parametrize(
    "line",
    [
        '@external_resource "priv/static/assets/css/app.css"',
        '@css File.read!(Path.join(:code.priv_dir(:a), "static/app.css"))',
    ],
)
def test_code_that_may_read_what_the_assets_are_built_into(line: str) -> None:
    found = order({"lib/a/mail.ex": f"defmodule A.Mail do\n  {line}\nend\n"})
    assert (found.beside, found.static) == (False, ())
    assert found.build == ("lib/", "priv/gettext/", "priv/static/")
    assert found.assets == ("assets/",)


@pytest.mark.parametrize(
    "line",
    ['@icons File.read!("assets/icons.json")', '@icons "../assets/icons"', '@x Path.join([__DIR__, "..", "assets"])'],
)
def test_code_that_may_read_the_assets(line: str) -> None:
    found = order({"lib/a/icons.ex": f"defmodule A.Icons do\n  {line}\nend\n"})
    assert found.build == ("assets/", "lib/", "priv/gettext/")
    assert found.beside


def test_code_that_may_read_migrations() -> None:
    found = order({"lib/a/seeds.ex": 'defmodule A.Seeds do\n  @seeds File.read!("priv/repo/seeds.exs")\nend\n'})
    assert found.release == ()
    assert found.build == ("lib/", "priv/gettext/", "priv/repo/")


@pytest.mark.parametrize(
    ("tasks", "output"),
    [
        ('"cmd npm run deploy", "phx.digest"', ""),
        ('"esbuild a", "my.task", "phx.digest"', ""),
        ('"esbuild a", &server_bundle/1, "phx.digest"', ""),
        ('"esbuild a --minify", "phx.digest"', "--outdir=../priv/ssr"),
        ('"esbuild a --minify", "phx.digest"', "--outfile ../lib/a/bundle.js"),
    ],
)
def test_commands_that_may_write_elsewhere_than_static_files(tasks: str, output: str) -> None:
    text = MIX.replace(TASKS, f'"assets.deploy": [{tasks}]')
    config = f"import Config\nconfig :esbuild, a: [args: ~w(js/app.js {output})]\n"
    found = order({"mix.exs": text, "config/config.exs": config})
    assert (found.beside, found.assets) == (False, ("assets/",))


@pytest.mark.parametrize("compilers", ["[:surface] ++ Mix.compilers()", "compilers()", "Mix.compilers() ++ [\n  :b]"])
def test_compilers_that_may_read_anything(compilers: str) -> None:
    found = order({"mix.exs": MIX.replace("[:phoenix_live_view] ++ Mix.compilers()", compilers)})
    assert found == StepOrder(("assets/", "lib/", "priv/"), (), (), runtime=BESIDE.runtime)


def test_an_umbrellas_directories_are_whole() -> None:
    found = plan({"mix.exs": UMBRELLA, "apps/a/mix.exs": mix("a"), "apps/a/priv/repo/1.exs": ""}).order
    assert found == StepOrder(("apps/",), (), ())


def test_colocated_hooks_may_import_packages() -> None:
    package = {"assets/package.json": '{"dependencies": {"topbar": "3"}}', "assets/package-lock.json": "{}"}
    assert order(package).build == ("assets/", "lib/", "priv/gettext/", "priv/static/")


def test_a_link_in_priv_is_copied_with_it() -> None:
    tree = DictTree(FILES)
    location = Location(("x",), links=(Link("priv/uploads", "/data", None),))
    found = make_plan(project.read_project(tree), Config(), tree, location=location).order
    assert found.build == ("lib/", "priv/")
    assert found.assets == ("assets/",)


def test_what_the_build_does_not_see_of_priv_is_not_copied() -> None:
    files = {
        "priv/x.plt": "",
        ".gitignore": "/priv/static/assets\n",
        "priv/static/assets/app.js": "",
        "priv/key.pem": "",
    }
    assert order(files).build == ("lib/", "priv/gettext/", "priv/key.pem")


@pytest.mark.parametrize(
    "options",
    [
        "releases: [a: [steps: [:assemble, &A.look/1]]]",
        "releases: [a: [steps: [:assemble, :tar]]]",
        'releases: [a: [runtime_config_path: "config/other.exs"]]',
        "releases: [a: options()]",
    ],
)
def test_a_release_that_may_look_at_runtime_exs_gets_it(options: str) -> None:
    assert plan({"mix.exs": mix("a", options), "config/runtime.exs": ""}).order.runtime is None
