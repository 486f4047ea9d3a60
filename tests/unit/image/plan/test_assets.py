"""How assets are built: found in mix.exs and package.json, or said in relbuild.yml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from relbuild.commands import explanation, secrets
from relbuild.config import Config, parse
from relbuild.errors import Mark, Problem, ProjectError, RelbuildError
from relbuild.image.dockerfile.dockerignore import render_dockerignore
from relbuild.image.dockerfile.render import render_dockerfile
from relbuild.image.plan.assets import Assets
from relbuild.image.plan.plan import Plan, make_plan
from relbuild.init.change import Overlay
from relbuild.mix import project
from relbuild.output import laid_out

MIX = """defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [app: :APP, version: "1.0.0", elixir: "~> 1.15", deps: [DEPS], aliases: [ALIASES]]
  end
end
"""
PHOENIX = '{:phoenix, "~> 1.8"}'
BUILDERS = '{:esbuild, "~> 0.10", runtime: Mix.env() == :dev}, {:tailwind, "~> 0.3", runtime: Mix.env() == :dev}'
SETUP = '"assets.setup": ["tailwind.install --if-missing", "esbuild.install --if-missing"]'
# The aliases as the three versions of Phoenix write them.
PHOENIX_1_6 = '"assets.deploy": ["esbuild default --minify", "phx.digest"]'
PHOENIX_1_7 = f'{SETUP}, "assets.deploy": ["tailwind shop --minify", "esbuild shop --minify", "phx.digest"]'
PHOENIX_1_8 = (
    f'{SETUP}, "assets.build": ["compile", "tailwind shop", "esbuild shop"], '
    '"assets.deploy": ["tailwind shop --minify", "esbuild shop --minify", "phx.digest"]'
)
NPM = '"assets.deploy": ["assets.bundle", "phx.digest"], "assets.bundle": ["cmd --cd assets npm run build"]'
TOPBAR = {"dependencies": {"topbar": "^3.0.0"}}


class Nothing:
    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def explained(made: Plan) -> list[str]:
    """Return the lines of the plan as relbuild plan prints it."""
    return laid_out(tuple(explanation.blocks(made)), None).splitlines()


def mix(deps: str = PHOENIX, aliases: str = "", app: str = "shop") -> str:
    return MIX.replace("DEPS", deps).replace("ALIASES", aliases).replace("APP", app)


def plan(files: Mapping[str, Any], config: str = "") -> Plan:
    texts = {path: text if isinstance(text, str) else json.dumps(text) for path, text in files.items()}
    tree = Overlay(Nothing(), texts)
    return make_plan(project.read_project(tree), parse(config.encode()) if config else Config(), tree)


def lines(assets: Assets) -> tuple[str, ...]:
    return tuple(command.line for command in assets.commands)


@pytest.mark.parametrize(
    ("deps", "aliases", "setup"),
    [
        (f'{PHOENIX}, {{:esbuild, "~> 0.4"}}', PHOENIX_1_6, ("mix esbuild.install --if-missing",)),
        (f"{PHOENIX}, {BUILDERS}", PHOENIX_1_7, ("mix assets.setup",)),
        (f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8, ("mix assets.setup",)),
        (f'{PHOENIX}, {{:dart_sass, "~> 0.7"}}', PHOENIX_1_6, ("mix sass.install --if-missing",)),
        # npm in the setup has its own stage, and could find no package.json beside the dependencies.
        (
            f"{PHOENIX}, {BUILDERS}",
            PHOENIX_1_8.replace('"assets.setup": [', '"assets.setup": ["cmd --cd assets npm install", '),
            ("mix esbuild.install --if-missing", "mix tailwind.install --if-missing"),
        ),
    ],
)
def test_the_aliases_of_phoenix(deps: str, aliases: str, setup: tuple[str, ...]) -> None:
    found = plan({"mix.exs": mix(deps, aliases), "assets/js/app.js": ""}).assets
    assert (lines(found), found.setup, found.node, found.notes) == (("mix assets.deploy",), setup, None, ())


def test_the_assets_come_after_the_compiler_and_the_programs_with_the_dependencies() -> None:
    text = render_dockerfile(plan({"mix.exs": mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8)}))
    order = ["mix deps.loadpaths", "mix assets.setup", "AS build", "mix compile", "AS assets", "mix assets.deploy"]
    assert [text.index(step) for step in order] == sorted(text.index(step) for step in order)
    assert "    && sh /scripts/undate-assets.sh" in text


@pytest.mark.parametrize(
    ("elixir", "aliases", "config", "commands"),
    [
        ("1.14.0", PHOENIX_1_8, "", ("mix assets.deploy",)),
        ("1.14.0", '"assets.build": ["esbuild shop"]', "", ("mix 'do' assets.build + phx.digest",)),
        ("1.13.4", '"assets.build": ["esbuild shop"]', "", ("mix assets.build", "mix phx.digest")),
        (
            "1.18.4",
            PHOENIX_1_8,
            "assets: [mix styles && mix phx.digest, ./more.sh]",
            ("mix styles && mix phx.digest", "(./more.sh)"),
        ),
    ],
)
def test_mix_starts_once_for_the_assets(elixir: str, aliases: str, config: str, commands: tuple[str, ...]) -> None:
    files = {"mix.exs": mix(f"{PHOENIX}, {BUILDERS}", aliases), ".tool-versions": f"elixir {elixir}\nerlang 25.3\n"}
    files["mix.exs"] = files["mix.exs"].replace("~> 1.15", "~> 1.13")
    step = " \\\n    && ".join((*commands, "sh /scripts/undate-assets.sh"))
    assert f"    {step}" in render_dockerfile(plan(files, config))


def test_nothing_to_build() -> None:
    for files in (
        {"mix.exs": mix("")},
        {"mix.exs": mix("", app="api"), "package.json": {"devDependencies": {"prettier": "^3"}}},
        {"mix.exs": mix(PHOENIX), "priv/static/robots.txt": ""},
    ):
        made = plan(files)
        assert made.assets == Assets()
        assert "AS node" not in render_dockerfile(made)


def test_phoenix_without_assets_digests_what_its_endpoint_looks_up() -> None:
    config = 'import Config\nconfig :shop, ShopWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"\n'
    files = {"mix.exs": mix(), "config/config.exs": "import Config\n", "config/prod.exs": config}
    assert lines(plan(files).assets) == ()
    assert lines(plan({**files, "priv/static/robots.txt": ""}).assets) == ("mix phx.digest",)


def test_what_only_digests_builds_nothing_of_its_package_json() -> None:
    config = 'import Config\nconfig :shop, ShopWeb.Endpoint, cache_static_manifest: "priv/static/a.json"\n'
    files = {
        "mix.exs": mix(),
        "config/config.exs": config,
        "priv/static/robots.txt": "",
        "assets/package.json": {"scripts": {"webpack:build": "webpack"}},
    }
    made = plan(files).assets
    assert lines(made) == ("mix phx.digest",)
    assert made.notes == (
        "assets/package.json, but no assets.deploy alias in mix.exs: no assets are built; add the alias, or write "
        "`assets:` in relbuild.yml",
    )


def test_builders_without_an_alias_are_told() -> None:
    rest = (
        "but no assets.deploy alias in mix.exs: no assets are built; add the alias, or write `assets:` in relbuild.yml"
    )
    assert plan({"mix.exs": mix(f"{PHOENIX}, {BUILDERS}")}).assets.notes == (f"esbuild and tailwind, {rest}",)
    scripts = {"mix.exs": mix(""), "assets/package.json": {"scripts": {"build": "vite build"}}}
    assert plan(scripts).assets.notes == (f"assets/package.json, {rest}",)


def test_without_a_deploy_alias_the_build_alias_builds() -> None:
    alias = '"assets.build": ["esbuild shop"]'
    assert lines(plan({"mix.exs": mix(f"{PHOENIX}, {BUILDERS}", alias)}).assets) == (
        "mix assets.build",
        "mix phx.digest",
    )
    assert lines(plan({"mix.exs": mix("", alias)}).assets) == ("mix assets.build",)


def test_packages_for_esbuild_are_installed_in_a_stage_of_their_own() -> None:
    files = {
        "mix.exs": mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8),
        "assets/package.json": TOPBAR,
        "assets/package-lock.json": {},
        ".nvmrc": "22\n",
    }
    text = render_dockerfile(plan(files))
    assert "ARG NODE_IMAGE=node:22-trixie-slim\n" in text
    stage = text.partition("FROM ${NODE_IMAGE} AS node\n")[2].partition("# ---- build")[0]
    assert stage == (
        "# assets/package.json\n"
        "WORKDIR /src\n"
        "COPY assets/package.json assets/package-lock.json assets/\n"
        "WORKDIR /src/assets\n"
        "RUN --mount=type=cache,id=relbuild-npm,target=/root/.npm,sharing=locked \\\n"
        "    npm ci --no-audit --no-fund\n"
        "\n"
    )
    # esbuild is called by Mix: the packages are needed, Node isn't.
    build = text.partition("FROM deps AS build\n")[2]
    assert "COPY --from=node /src/ ./\n" in build
    assert "/usr/local/" not in build


def test_node_is_there_where_the_build_calls_it() -> None:
    files = {"mix.exs": mix(PHOENIX, NPM), "assets/package.json": TOPBAR, "assets/package-lock.json": {}}
    text = render_dockerfile(plan(files))
    assert "COPY --from=node /usr/local/ /usr/local/\nCOPY" in text.replace(
        "# The packages, installed by their lock file.\n", ""
    )
    # Also where there is no package to install, and where a task can't be read.
    bare = plan({"mix.exs": mix(PHOENIX, '"assets.deploy": ["cmd node build.js"]')}).assets.node
    assert bare is not None
    assert (bare.in_build, bare.installs) == (True, ())
    function = '"assets.deploy": [&build/1]'
    stage = plan({**files, "mix.exs": mix(PHOENIX, function)}).assets.node
    assert stage is not None
    assert stage.in_build


@pytest.mark.parametrize(
    ("lock", "content", "program", "command", "cache"),
    [
        ("yarn.lock", "# yarn lockfile v1\n", ("yarn@1",), "yarn install --non-interactive --frozen-lockfile",
         "/usr/local/share/.cache/yarn"),
        ("yarn.lock", "__metadata:\n  version: 8\n", ("@yarnpkg/cli-dist@4",),
         "YARN_NODE_LINKER=node-modules yarn install --immutable", "/root/.yarn/berry"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", ("pnpm@10",), "pnpm install --frozen-lockfile",
         "/root/.local/share/pnpm/store"),
        ("bun.lock", "{}", ("bun@1",), "bun install --frozen-lockfile", "/root/.bun/install/cache"),
    ],
)  # fmt: skip
def test_each_manager_installs_by_its_lock_file(
    lock: str, content: str, program: tuple[str, ...], command: str, cache: str
) -> None:
    files = {"mix.exs": mix(PHOENIX, PHOENIX_1_6), "assets/package.json": TOPBAR, f"assets/{lock}": content}
    stage = plan(files).assets.node
    assert stage is not None
    [install] = stage.installs
    assert (stage.managers, install.command, install.cache) == (program, command, cache)


def test_packages_out_of_mix_dependencies_wait_for_them() -> None:
    files = {
        "mix.exs": mix(PHOENIX, PHOENIX_1_6),
        "assets/package.json": {"dependencies": {"phoenix": "file:../deps/phoenix", "ui": "file:./ui"}},
        "assets/package-lock.json": {},
        "assets/ui/package.json": {},
    }
    text = render_dockerfile(plan(files))
    assert "COPY --from=deps /src/deps/ deps/\n" in text
    assert "COPY assets/package.json assets/package-lock.json assets/\nCOPY assets/ui/ assets/ui/\n" in text


def test_a_script_of_package_json_builds_where_no_alias_does() -> None:
    files = {
        "mix.exs": mix(),
        "assets/package.json": {**TOPBAR, "scripts": {"build": "x", "deploy": "webpack --mode production"}},
        "assets/yarn.lock": "# yarn lockfile v1\n",
    }
    assert lines(plan(files).assets) == ("cd assets && yarn run deploy", "mix phx.digest")


def installed(assets: Assets) -> list[tuple[str, str]]:
    return [(each.of.package.directory, each.command) for each in (assets.node.installs if assets.node else ())]


CI = "npm ci --no-audit --no-fund"


@pytest.mark.parametrize(
    "alias",
    [
        '"assets.deploy": ["cmd --cd web npm run deploy"]',
        '"assets.deploy": ["cmd cd web && npm run deploy"]',
        '"assets.deploy": ["bundle", "phx.digest"], bundle: "cmd npm --prefix web run deploy"',
        '"assets.build": ["cmd --cd web/src npx vite build"]',
    ],
)
def test_packages_are_installed_where_an_alias_calls_node(alias: str) -> None:
    files = {"mix.exs": mix(PHOENIX, alias), "web/package.json": TOPBAR, "web/package-lock.json": {}}
    made = plan({**files, "web/src/main.js": ""})
    assert installed(made.assets) == [("web", CI)]
    assert "COPY web/package.json web/package-lock.json web/\nWORKDIR /src/web\n" in render_dockerfile(made)


def test_packages_are_installed_where_a_command_of_relbuild_yml_calls_node() -> None:
    files = {"mix.exs": mix(), "web/package.json": TOPBAR, "web/package-lock.json": {}}
    made = plan(files, "assets: [npm --prefix web run build, mix phx.digest]\n").assets
    assert installed(made) == [("web", CI)]


def test_node_that_is_called_outside_of_the_project_is_told() -> None:
    for outside in ("../web", "/srv/web"):
        alias = f'"assets.deploy": ["cmd --cd {outside} npm run build"]'
        made = plan({"mix.exs": mix(PHOENIX, alias), f"{outside}/package.json": TOPBAR}).assets
        assert (installed(made), made.notes) == (
            [],
            (f"mix.exs:5 calls Node in {outside}, outside of the project, where no package is installed",),
        )


def test_a_buildpacks_settings_say_where_package_json_is() -> None:
    files = {
        "mix.exs": mix(),
        "phoenix_static_buildpack.config": "assets_path=assets\nassets_path=client # ours\n",
        "client/package.json": {**TOPBAR, "scripts": {"deploy": "vite build"}},
        "client/package-lock.json": {},
    }
    made = plan(files).assets
    assert (lines(made), installed(made)) == (("cd client && npm run deploy", "mix phx.digest"), [("client", CI)])


def test_a_buildpacks_settings_are_of_one_application() -> None:
    files = {
        "mix.exs": UMBRELLA.replace("APPS", "[web: :permanent, admin: :permanent]"),
        "apps/web/mix.exs": mix(app="web"),
        "apps/admin/mix.exs": mix(app="admin"),
        "phoenix_static_buildpack.config": 'phoenix_relative_path="apps/web"\nassets_path=.\n',
        "apps/web/package.json": {"scripts": {"build": "x"}},
        "apps/admin/package.json": {"scripts": {"build": "x"}},
    }
    assert lines(plan(files).assets) == ("cd apps/web && npm run build", "cd apps/web && mix phx.digest")


def test_what_an_unreadable_alias_installs_is_said_to_be_unknown() -> None:
    made = plan({"mix.exs": mix(PHOENIX, '"assets.deploy": [&build/1]'), "web/package.json": TOPBAR}).assets
    assert made.node is None
    assert made.notes == (
        "what assets.deploy runs can't be read (mix.exs:5): packages are installed of the project's package.json and "
        "that in assets/ only; `assets:` in relbuild.yml takes commands in its place",
    )
    unread = plan({"mix.exs": mix("").replace("aliases: []", "aliases: aliases(Mix.env(), System.get_env())")})
    assert [line for line in explained(unread) if line.startswith("assets")] == [
        "assets      none  (the aliases can't be read: mix.exs:5)"
    ]


def test_a_package_json_without_packages_says_what_its_scripts_run_on() -> None:
    said = {"engines": {"node": "20"}, "packageManager": "pnpm@9.15.0", "scripts": {"build": "node build.js"}}
    alias = '"assets.deploy": ["cmd --cd assets pnpm run build"]'
    stage = plan({"mix.exs": mix(PHOENIX, alias), "assets/package.json": said}).assets.node
    assert stage is not None
    assert (stage.node.version, stage.node.source) == ("20", 'assets/package.json:1 ("node": "20")')
    assert (stage.managers, stage.installs) == (("pnpm@9.15.0",), ())


def test_settings_that_hold_a_token_are_left_out_of_the_context() -> None:
    files = {"mix.exs": mix(PHOENIX, NPM), "assets/package.json": TOPBAR, "assets/yarn.lock": "# yarn lockfile v1\n"}
    ignored = render_dockerignore(plan({**files, "assets/.yarnrc.yml": "npmAuthToken: s3cret\n"}))
    assert "# Hold a password or token:\nassets/.yarnrc.yml\n" in ignored
    assert "!assets/.yarnrc.yml" not in ignored
    assert "yarnrc" not in render_dockerignore(plan({**files, "assets/.yarnrc.yml": "npmAuthToken: ${NPM_TOKEN}\n"}))


def test_what_npmrc_takes_from_the_environment_is_a_secret_of_the_build() -> None:
    files = {
        "mix.exs": mix(PHOENIX, NPM),
        "assets/package.json": TOPBAR,
        "assets/package-lock.json": {},
        "assets/.npmrc": "//npm.example.com/:_authToken=${NPM_TOKEN}\nproxy=${PROXY?}\n",
    }
    made = plan(files)
    assert made.assets.notes == (
        "assets/.npmrc:2 takes PROXY where it is set, and the build isn't given it: `secrets: [PROXY]` under `builder` "
        "in relbuild.yml gives it",
    )
    text = render_dockerfile(made)
    export = 'NPM_TOKEN="$(cat /run/secrets/NPM_TOKEN)"'
    install = (
        "RUN --mount=type=cache,id=relbuild-npm,target=/root/.npm,sharing=locked \\\n"
        "    --mount=type=secret,id=NPM_TOKEN \\\n"
        f"    {export} \\\n    && export NPM_TOKEN \\\n    && {CI}\n"
    )
    assert install in text
    assert "docker build --secret id=NPM_TOKEN,env=NPM_TOKEN ." in text
    # npm reads it again when it runs a script; nothing else is given it.
    build = text.partition("FROM deps AS build\n")[2]
    assert f"{export} \\\n    && export NPM_TOKEN \\\n    && mix assets.deploy" in build
    assert (text.count("--mount=type=secret"), build.count("--mount=type=secret")) == (2, 1)
    only_installed = render_dockerfile(plan({**files, "mix.exs": mix(PHOENIX, PHOENIX_1_6)}))
    assert only_installed.count("--mount=type=secret") == 1
    given = "builder: {secrets: [NPM_TOKEN], env: {PROXY: http://proxy.example.com}}\n"
    assert (plan(files, given).builder.asset_secrets, plan(files, given).assets.notes) == ((), ())


def test_a_variable_of_npmrc_that_is_missing_is_told_before_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NPM_TOKEN", raising=False)
    files = {"mix.exs": mix(PHOENIX, NPM), "assets/package.json": TOPBAR, "assets/.npmrc": "\n a = ${NPM_TOKEN}\n"}
    made = plan(files)
    assert "  NPM_TOKEN: assets/.npmrc takes it from the environment  (assets/.npmrc:2)" in explained(made)
    with pytest.raises(RelbuildError) as error:
        secrets.find(made.builder)
    assert error.value.problems == (
        Problem(
            "the build needs NPM_TOKEN: assets/.npmrc takes it from the environment",
            Mark("assets/.npmrc", 2, 6),
            "export NPM_TOKEN=… before relbuild image; builder.env in relbuild.yml gives what is no secret",
        ),
    )


def test_the_root_counts_when_its_packages_are_for_more_than_developers() -> None:
    alias = {"mix.exs": mix(PHOENIX, PHOENIX_1_6), "package-lock.json": {}}
    assert plan({**alias, "package.json": {"devDependencies": {"prettier": "^3"}}}).assets.node is None
    used = plan({**alias, "package.json": TOPBAR}).assets.node
    assert used is not None
    assert [install.of.package.directory for install in used.installs] == [""]


TAILWIND = """import Config
config :tailwind, shop: [args: ~w(--input=assets/css/app.css --output=priv/a.css), cd: Path.expand("..", __DIR__)]
config :esbuild, shop: [args: ~w(js/app.js --bundle), cd: Path.expand("../assets", __DIR__)]
"""
ROOT = {"dependencies": {"topbar": "^3", "@acme/ui": "^1"}, "devDependencies": {"sst": "^3", "daisyui": "^5"}}


@pytest.mark.parametrize(
    ("files", "config"),
    [
        ({"assets/js/app.js": 'import "topbar"\n'}, TAILWIND),
        ({"assets/js/deep/app.ts": "import('@acme/ui/menu')\n"}, ""),
        ({"assets/css/app.css": '@plugin "daisyui";\n'}, TAILWIND),
        ({"assets/css/app.css": "@import url(topbar/topbar.css);\n"}, ""),
        ({"assets/css/app.scss": "@import '~topbar/style';\n"}, ""),
        ({"assets/css/app.css": '@import "../../node_modules/x/x.css";\n'}, ""),
        ({"assets/tailwind.config.js": "require(`topbar/plugin`)\n", "assets/js/app.js": ""}, ""),
        ({"assets/tsconfig.json": '{"extends": "@acme/ui/tsconfig.json"}', "assets/js/app.js": ""}, ""),
        ({"assets/js/app.js": "", "lib/web.ex": '<script :type={ColocatedHook}>import "topbar"</script>'}, ""),
        ({"assets/js/app.js": ""}, 'import Config\nconfig :esbuild, env: %{"NODE_PATH" => "../node_modules"}\n'),
        # What is built is somewhere else, or nowhere to be seen.
        ({"web/js/app.js": 'import "topbar"\n', "assets/js/app.js": ""}, TAILWIND.replace("../assets", "../web")),
        ({"assets/js/app.js": ""}, TAILWIND.replace('Path.expand("..", __DIR__)', "somewhere()")),
        ({"app.css": "", "assets/js/app.js": ""}, TAILWIND.replace("=assets/css/", "=")),
        ({}, ""),
    ],
)
def test_the_roots_packages_are_installed_where_the_assets_use_one(files: dict[str, str], config: str) -> None:
    mix_exs = mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8)
    given = {"mix.exs": mix_exs, "config/config.exs": config or "import Config\n", "package.json": ROOT, **files}
    assert installed(plan({**given, "package-lock.json": {}}).assets) == [("", CI)]


@pytest.mark.parametrize("config", ["", TAILWIND])
def test_the_roots_packages_are_not_installed_for_what_nothing_builds(config: str) -> None:
    files = {
        "mix.exs": mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8),
        "config/config.exs": config or "import Config\n",
        "package.json": ROOT,
        "sst.config.ts": 'import "sst"\n',
        "assets/js/app.js": 'import { Socket } from "phoenix"\nimport topbar from "../vendor/topbar"\n',
        "assets/vendor/topbar.js": "",
        "assets/js/app.test.js": 'import "sst"\n',
        "assets/vite.config.js": 'import "sst"\n',
        "assets/css/app.css": "",
    }
    made = plan(files).assets
    assert (made.node, made.notes) == (
        None,
        (
            "package.json: its packages aren't installed, since nothing that builds the assets names one of them; a "
            "command in `assets:` of relbuild.yml that calls Node has them installed",
        ),
    )
    assert installed(plan(files, "assets: [npx vite build]\n").assets) == [("", "npm install --no-audit --no-fund")]


SPA = {"scripts": {"build": "vite build --outDir ../priv/static"}, **TOPBAR}


def test_what_has_scripts_that_nothing_runs_is_told() -> None:
    rest = "`assets:` in relbuild.yml takes commands that do"
    one = f"webapp/package.json: nothing in the build runs its scripts; {rest}"
    none = {
        "deps/a/package.json": SPA,
        "webapp/node_modules/b/package.json": SPA,
        "examples/c/package.json": SPA,
        "test/d/package.json": SPA,
        ".github/package.json": SPA,
        "website/package.json": SPA,
        "tools/package.json": {"scripts": {"lint": "eslint ."}},
        "broken/package.json": "{",
    }
    for aliases in ("", PHOENIX_1_8):
        files = {"mix.exs": mix(aliases=aliases), "webapp/package.json": SPA, **none}
        assert plan(files).assets.notes == (one,)
    two = plan({**files, "jipt/package.json": {"scripts": {"bundle": "parcel"}}}).assets.notes
    assert two == (f"jipt/package.json, webapp/package.json: nothing in the build runs their scripts; {rest}",)
    assert plan(files, "assets: [npm --prefix webapp run build]\n").assets.notes == (
        "webapp/package.json has no lock file: its packages' versions are resolved again in each build",
    )
    assert plan(files, "assets: false\n").assets.notes == ()


def test_an_application_that_is_not_in_the_release_has_nothing_to_build() -> None:
    files = {
        "mix.exs": UMBRELLA.replace("APPS", "[web: :permanent]"),
        "apps/web/mix.exs": mix("", app="web"),
        "apps/admin/mix.exs": mix("", app="admin"),
        "apps/admin/client/package.json": SPA,
    }
    assert plan(files).assets.notes == ()
    [note] = plan({**files, "apps/web/client/package.json": SPA}).assets.notes
    assert note.startswith("apps/web/client/package.json: nothing")


def test_a_workspace_is_installed_by_the_root() -> None:
    files = {
        "mix.exs": mix(PHOENIX, PHOENIX_1_6),
        "package.json": {"workspaces": ["assets"]},
        "package-lock.json": {},
        "assets/package.json": TOPBAR,
    }
    stage = plan(files).assets.node
    assert stage is not None
    assert [install.of.needs for install in stage.installs] == [
        ("package.json", "package-lock.json", "assets/package.json")
    ]


UMBRELLA = (
    "defmodule U.MixProject do\n  use Mix.Project\n"
    '  def project, do: [apps_path: "apps", version: "1.0.0", releases: [u: [applications: APPS]]]\n'
    "end\n"
)


def test_an_umbrellas_applications_build_in_their_own_directories() -> None:
    files = {
        "mix.exs": UMBRELLA.replace("APPS", "[web: :permanent, admin: :permanent]"),
        "apps/web/mix.exs": mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8, "web"),
        "apps/admin/mix.exs": mix(PHOENIX, NPM, "admin"),
        "apps/admin/assets/package.json": TOPBAR,
        "apps/admin/assets/package-lock.json": {},
    }
    made = plan(files)
    assert lines(made.assets) == ("cd apps/admin && mix assets.deploy", "cd apps/web && mix assets.deploy")
    assert made.assets.setup == ("mix esbuild.install --if-missing", "mix tailwind.install --if-missing")
    text = render_dockerfile(made)
    assert "    (cd apps/admin && mix assets.deploy) \\\n    && (cd apps/web && mix assets.deploy) \\\n" in text


@pytest.mark.parametrize(
    ("applications", "built", "named"),
    [
        ("[web: :permanent]", ("web",), "web"),
        # What it depends on is in the release with it; what nobody can read may be.
        ("[admin: :permanent]", ("admin", "web"), "admin, web"),
        ("[core: :load]", (), "core"),
        ("applications()", ("admin", "web"), "admin, core, web"),
    ],
)
def test_what_is_not_in_the_release_is_not_built(applications: str, built: tuple[str, ...], named: str) -> None:
    files = {
        "mix.exs": UMBRELLA.replace("APPS", applications),
        "apps/web/mix.exs": mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8, "web"),
        "apps/admin/mix.exs": mix(f"{PHOENIX}, {{:web, in_umbrella: true}}", NPM, "admin"),
        "apps/core/mix.exs": mix("", "", "core"),
        "apps/admin/assets/package.json": TOPBAR,
    }
    made = plan(files)
    assert lines(made.assets) == tuple(f"cd apps/{app} && mix assets.deploy" for app in built)
    assert (made.assets.node is not None) is ("admin" in built)
    [layers] = [line for line in explained(made) if line.startswith("layers")]
    assert f" {named}  (" in layers


def test_relbuild_yml_has_the_last_word() -> None:
    files = {"mix.exs": mix(f"{PHOENIX}, {BUILDERS}", PHOENIX_1_8), "assets/package.json": TOPBAR}
    assert plan(files, "assets: false\n").assets == Assets()
    own = plan(files, "assets: [npm --prefix assets run build, mix phx.digest]\n").assets
    assert lines(own) == ("npm --prefix assets run build", "mix phx.digest")
    assert own.node is not None
    assert own.node.in_build
    with_lines = plan(files, "assets:\n  - |\n    set -u\n    cd assets\n    npm run build\n  - mix phx.digest\n")
    script = "<<'STEP'\nset -e\n(\nset -u\ncd assets\nnpm run build\n)\nmix phx.digest\n"
    assert script in render_dockerfile(with_lines)


def test_debians_packages_have_node_where_they_have_elixir() -> None:
    files = {"mix.exs": mix("", NPM), "assets/package.json": TOPBAR, "assets/package-lock.json": {}, ".nvmrc": "22"}
    made = plan(files, "toolchain: debian\ndebian: trixie\nbuilder: {env: {NODE_ENV: production}}\n")
    assert {"nodejs", "npm"} <= set(made.builder.packages)
    assert made.assets.notes == (".nvmrc:1 asks for Node 22: Debian trixie has 20, which is taken",)
    text = render_dockerfile(made)
    # npm leaves out what builds the assets where NODE_ENV says production.
    assert 'FROM toolchain AS node\nENV NODE_ENV="development"\n' in text
    assert "/usr/local/" not in text


def test_an_unused_lock_file_is_no_fault_and_a_used_one_is() -> None:
    both = {"package-lock.json": {}, "yarn.lock": "", "package.json": {"devDependencies": {"prettier": "^3"}}}
    assert plan({"mix.exs": mix(PHOENIX, PHOENIX_1_6), **both}).assets.node is None
    with pytest.raises(ProjectError, match="lock files of npm and yarn"):
        plan({"mix.exs": mix(PHOENIX, PHOENIX_1_6), **both, "package.json": TOPBAR})
