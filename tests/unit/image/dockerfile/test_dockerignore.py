"""The ignore file leaves out what no build may see, and nothing that one needs, by Docker's own rules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.config import Config, parse
from relbuild.engine.checkout import location
from relbuild.engine.files import ProjectTree
from relbuild.image.dockerfile.dockerignore import render_dockerignore, render_plain_dockerignore
from relbuild.image.dockerfile.render import render_dockerfile
from relbuild.image.plan.plan import Plan, make_plan
from relbuild.image.plan.sources import is_excluded
from relbuild.mix import project
from tests.unit.image.plan.test_sources import mix, plan

GOLDEN = Path(__file__).parents[3] / "golden"
BUILDABLE = [
    path.parent for path in sorted(GOLDEN.glob("*/plan.txt")) if not path.read_text(encoding="utf-8").startswith("exit")
]
PHOENIX = (
    'deps: [{:phoenix, "~> 1.8"}, {:esbuild, "~> 0.10"}], '
    'aliases: ["assets.deploy": ["esbuild web --minify", "phx.digest"]]'
)
UMBRELLA = """defmodule U.MixProject do
  use Mix.Project
  @applications [web: :permanent, admin: :permanent]
  def project, do: [apps_path: "apps", releases: [u: [version: "1.0.0", applications: @applications]]]
end
"""
STATIC = (
    "# built\n/priv/static/assets/\npriv/static/cache_manifest.json\n/priv/static/gen/*\n!/priv/static/gen/keep.txt\n"
)


def test_every_class_is_one_for_go() -> None:
    """BuildKit refuses the whole file for a hyphen that is no range's (Go, path/filepath.Match)."""
    lines = (*render_dockerignore(plan({"mix.exs": mix("a")})).splitlines(), *render_plain_dockerignore().splitlines())
    refused = re.compile(r"\[\^?(?:[^]]*-]|-)")
    assert [line for line in lines if not line.startswith("#") and refused.search(line)] == []


def patterns(found: Plan) -> list[str]:
    return [line for line in render_dockerignore(found).splitlines() if line and not line.startswith("#")]


def copied(found: Plan) -> Iterator[str]:
    """Yield what the Dockerfile copies from the context."""
    for line in render_dockerfile(found).splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY" and not rest.startswith("<<") and "--from=" not in rest and ".relbuild/" not in rest:
            yield from (source.replace("[[]", "[") for source in rest.split()[:-1])


@pytest.mark.parametrize("golden", BUILDABLE, ids=lambda path: path.name)
def test_all_that_the_dockerfile_copies_is_in_the_context(golden: Path) -> None:
    """Golden projects hold nothing but sources."""
    root = golden / "project"
    tree = ProjectTree(root)
    config = root / "relbuild.yml"
    parsed = parse(config.read_bytes()) if config.exists() else Config()
    found = make_plan(project.read_project(tree), parsed, tree, location=location(root))
    context = root / found.sources.context.up
    left_out = patterns(found)
    for source in copied(found):
        path = context / source
        assert path.exists()
        inside = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        names = [each.resolve().relative_to(context.resolve()).as_posix() for each in inside]
        assert [name for name in names if is_excluded(left_out, name)] == []


NEEDED = (
    "lib/a.ex", "lib/test/b.ex", "lib/web/doc/c.ex", "lib/web/deps/d.ex", "lib/tmp/e.ex", "lib/cover/f.ex",
    "lib/environment.ex", "src/a.erl", "c_src/a.c", "Makefile", "rel/env.sh.eex", "assets/js/app.js",
    "assets/js/test/a.js", "assets/vendor/doc/a.js", "assets/css/dev_db.css", "priv/ca.pem", "priv/keys/a.key",
    "priv/x.p12", "priv/static/favicon.ico", "priv/static/a.log", "priv/static/gen/keep.txt", "priv/repo/seeds.exs",
    "priv/test/data.json", "priv/doc/x.md", "priv/cities.db",
)  # fmt: skip
LEFT_OUT = (
    "_build/prod/a", "deps/x/mix.exs", "assets/node_modules/x/i.js", "node_modules/x/i.js", ".git/HEAD", ".env",
    ".env.prod", "config/.env", "prod.env", "server.pem", "lib/a.key", "a.pfx", "id_rsa", "id_ed25519.old", ".netrc",
    ".envrc", ".hex/hex.config", "erl_crash.dump", "cover/a.html", "doc/index.html", "test/a.exs", "test/b/a.exs",
    ".elixir_ls/x", ".DS_Store", "lib/.DS_Store", "priv/.DS_Store", "lib/a.ex~", "lib/.#a.ex", "lib/.a.ex.swp",
    ".vscode/x", ".idea/w.xml", "shop_dev.db", "shop_test.db", "shop_test3.db-wal", "priv/plts/local.plt",
    "priv/static/assets/app.js", "priv/static/cache_manifest.json", "priv/static/gen/x.js",
)  # fmt: skip
# The project's directory, its files, and the directories that have what lies around.
SHAPES: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "alone": (".", {"mix.exs": mix("web", PHOENIX), ".gitignore": STATIC}, ("",)),
    "umbrella": (
        ".",
        {
            "mix.exs": UMBRELLA,
            "apps/web/mix.exs": mix("web", PHOENIX),
            "apps/web/.gitignore": STATIC,
            "apps/admin/mix.exs": mix("admin", PHOENIX),
            ".gitignore": STATIC.replace("priv/static", "apps/admin/priv/static"),
        },
        ("apps/web", "apps/admin"),
    ),
    "beside": (
        "a[b]",
        {
            "a[b]/mix.exs": mix(
                "web", PHOENIX.replace("[{", '[{:core, path: "../core"}, {:own, path: "deps/o"}, {', 1)
            ),
            "a[b]/.gitignore": STATIC,
            "a[b]/deps/o/mix.exs": mix("o"),
            "core/mix.exs": mix("core"),
        },
        ("a[b]", "core", "a[b]/deps/o"),
    ),
}


@given(
    st.sampled_from(sorted(SHAPES)),
    st.lists(st.sampled_from(NEEDED), unique=True),
    st.lists(st.sampled_from(LEFT_OUT), unique=True),
)
def test_a_project_with_what_lies_around_in_it(shape: str, needed: list[str], left_out: list[str]) -> None:
    directory, files, parts = SHAPES[shape]
    wanted = [posixpath.join(part, name) for part in parts for name in needed]
    unwanted = [posixpath.join(part, name) for part in parts for name in left_out]
    found = plan({**dict.fromkeys((*wanted, *unwanted), ""), **files}, directory)
    left = patterns(found)
    manifests = [path for path in files if path.endswith("mix.exs")]
    assert [path for path in (*manifests, *wanted) if is_excluded(left, path)] == []
    assert [source for source in copied(found) if is_excluded(left, source.rstrip("/"))] == []
    # What isn't built with the project's assets is nobody's to make anew.
    foreign = () if shape != "beside" else ("core/priv/static/", "a[b]/deps/o/priv/static/")
    unwanted = [path for path in unwanted if not path.startswith(foreign)]
    assert [path for path in unwanted if not is_excluded(left, path)] == []


def test_an_ignore_file_as_a_whole() -> None:
    found = plan(SHAPES["umbrella"][1])
    assert render_dockerignore(found) == EXPECTED


@pytest.mark.parametrize("directory", [".", "backend"])
def test_what_relbuild_yml_leaves_out_and_takes_back(directory: str) -> None:
    config = "builder: {ignore: [priv/cert/, notes, '*.csv', '!config/license.key', '!priv/cert/ca.pem']}"
    above = 'deps: [{:core, path: "../core"}]' if directory != "." else ""
    names = ("mix.exs", "lib/a.ex", "notes/a", "big.csv", "VERSION", "config/license.key", "priv/cert/key.pem")
    below = "" if directory == "." else f"{directory}/"
    files = {f"{below}{name}": "" for name in (*names, "priv/cert/ca.pem")}
    others = {"core/mix.exs": mix("core")} if above else {}
    found = plan({**files, **others, f"{below}mix.exs": mix("a", above)}, directory, config=config)
    assert (found.sources.files, found.sources.directories) == (("VERSION",), ("lib/", "priv/"))
    source = found.sources.context.source
    left_out = [name for name in (*names, "priv/cert/ca.pem") if is_excluded(patterns(found), source(name))]
    assert left_out == ["notes/a", "big.csv", "priv/cert/key.pem"]


def test_an_overlay_is_part_of_the_release() -> None:
    found = plan({"mix.exs": mix("a"), "rel/overlays/certs/ca.pem": "", "rel/overlays/defaults.env": ""})
    left_out = [
        is_excluded(patterns(found), f"rel/{name}") for name in ("overlays/certs/ca.pem", "overlays/a.env", "a.env")
    ]
    assert left_out == [False, False, True]


def test_what_holds_secrets_by_its_name_is_left_out_unless_the_build_names_it() -> None:
    reads = 'version: File.read!("credentials.json")'
    secrets = ("terraform.tfstate", "service-account.json", "kubeconfig", "lib/credentials.json")
    found = plan({"mix.exs": mix("a", reads), "credentials.json": "1.0.0", **dict.fromkeys(secrets, "")})
    assert found.sources.files == ()
    paths = ("credentials.json", *secrets)
    assert [path for path in paths if is_excluded(patterns(found), path)] == list(secrets)


def test_what_is_built_elsewhere_is_not_left_out() -> None:
    """Without a command that builds assets those in priv/static are all there are."""
    static = ("priv/static/assets/app.js", "priv/static/cache_manifest.json")
    files = {"mix.exs": mix("web", 'deps: [{:phoenix, "~> 1.8"}]'), ".gitignore": STATIC, static[0]: ""}
    for config, manifest in (("", ""), ("assets: false", ""), ("", "config :web, cache_static_manifest: 1")):
        found = plan({**files, "config/config.exs": manifest}, config=config)
        assert [path for path in static if is_excluded(patterns(found), path)] == []


EXPECTED = """\
# What the image's build must not see, written by relbuild beside the Dockerfile. The last pattern that matches decides.
# Compiled and fetched for this machine, not for the image:
**/_build/
deps/
**/node_modules/
**/.elixir_ls/
**/.lexical/
**/.expert/
**/.mix/
*.ez
**/erl_crash.dump

# Not part of the release:
**/.git
.github/
.gitlab-ci.yml
.circleci/
.dockerignore
Dockerfile*
cover/
*.md
*.livemd
COPYING*
LICENSE*
NOTICE*
doc/
docs/
guides/
test/
tmp/
*.log

# The same for the other Mix projects in here:
apps/admin/deps/
apps/admin/test/
apps/admin/cover/
apps/admin/*.md
apps/admin/*.livemd
apps/admin/COPYING*
apps/admin/LICENSE*
apps/admin/NOTICE*
apps/admin/doc/
apps/admin/docs/
apps/admin/guides/
apps/web/deps/
apps/web/test/
apps/web/cover/
apps/web/*.md
apps/web/*.livemd
apps/web/COPYING*
apps/web/LICENSE*
apps/web/NOTICE*
apps/web/doc/
apps/web/docs/
apps/web/guides/

# May hold secrets:
**/.env
**/.env.*
**/.envrc
**/*.env
**/*.pem
**/*.key
**/*.p12
**/*.pfx
**/id_rsa*
**/id_ed25519*
**/.netrc
**/.npmrc
**/.git-credentials
**/.hex/
**/.ssh/
**/.aws/
**/.docker/
**/.kube/
**/kubeconfig*
**/*.tfstate*
**/credentials*.json
**/service-account*.json
**/service_account*.json

# What a project keeps in priv/ and in rel/overlays/ belongs to its release, certificates too:
!priv/**
!apps/admin/priv/**
!apps/web/priv/**
!rel/overlays/**

# Left behind by editors, systems and tests, in priv/ too:
**/.DS_Store
**/Thumbs.db
**/.idea/
**/.vscode/
**/.zed/
**/*~
**/*.swp
**/.#*
**/*.plt
**/*.plt.hash
**/*_dev.db*
**/*_test.db*
**/*_test[0-9]*.db*

# Built again, as .gitignore has it:
apps/admin/priv/static/assets/
apps/admin/priv/static/cache_manifest.json
apps/admin/priv/static/gen/*
!apps/admin/priv/static/gen/keep.txt
apps/web/priv/static/assets/
apps/web/priv/static/cache_manifest.json
apps/web/priv/static/gen/*
!apps/web/priv/static/gen/keep.txt
"""
