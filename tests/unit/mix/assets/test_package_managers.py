"""What a package.json says, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import Mark, ProjectError
from relbuild.mix.assets import package_managers
from relbuild.mix.assets.package_managers import Installation, Manager, SettingVariable

Tree = Callable[[dict[str, Any]], Any]


def installation(dict_tree: Tree, package: dict[str, Any], **files: str) -> Installation:
    beside = {f"assets/{name}": content for name, content in files.items()}
    tree = dict_tree({"assets/package.json": json.dumps(package, indent=2), **beside})
    found = package_managers.read_packages(tree, "assets")
    assert found is not None
    return package_managers.installation(tree, found)


@pytest.mark.parametrize(
    ("lock", "content", "manager"),
    [
        ("package-lock.json", "{}", Manager("npm", None, "assets/package-lock.json")),
        ("npm-shrinkwrap.json", "{}", Manager("npm", None, "assets/npm-shrinkwrap.json")),
        ("yarn.lock", "# yarn lockfile v1\n", Manager("yarn", "1", "assets/yarn.lock")),
        ("yarn.lock", "# generated\n\n__metadata:\n  version: 8\n", Manager("yarn", "4", "assets/yarn.lock")),
        ("yarn.lock", "__metadata:\n  version: 6\n", Manager("yarn", "3", "assets/yarn.lock")),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n", Manager("pnpm", "7", "assets/pnpm-lock.yaml")),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", Manager("pnpm", "8", "assets/pnpm-lock.yaml")),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", Manager("pnpm", "10", "assets/pnpm-lock.yaml")),
        ("bun.lock", "{}", Manager("bun", "1", "assets/bun.lock")),
    ],
)
def test_the_lock_file_tells_the_manager(dict_tree: Tree, lock: str, content: str, manager: Manager) -> None:
    found = installation(dict_tree, {}, **{lock: content})
    assert (found.manager, found.lock, found.notes) == (manager, lock, ())
    assert found.needs == ("assets/package.json", f"assets/{lock}")


def test_package_json_goes_before_and_names_the_version(dict_tree: Tree) -> None:
    package = {"packageManager": "pnpm@9.15.0+sha512.76e2379760a4328ec4415815bcd6628dee727af3779aaa4c914e3944156c4299"}
    assert installation(dict_tree, package).manager == Manager("pnpm", "9.15.0", "assets/package.json:2")


def test_without_a_lock_file_nothing_is_pinned(dict_tree: Tree) -> None:
    found = installation(dict_tree, {})
    assert (found.manager, found.lock) == (Manager("npm", None, "the default"), None)
    assert found.notes == (
        "assets/package.json has no lock file: its packages' versions are resolved again in each build",
    )


@pytest.mark.parametrize(
    ("package", "files", "at", "message", "hint"),
    [
        (
            {},
            {"package-lock.json": "{}", "yarn.lock": ""},
            Mark("assets/package-lock.json", 1),
            "lock files of npm and yarn: assets/package-lock.json, assets/yarn.lock",
            "remove those that aren't used: each would install other versions",
        ),
        (
            {"packageManager": "pnpm@9.0.0"},
            {"package-lock.json": "{}"},
            Mark("assets/package.json", 2, 3),
            "packageManager: pnpm is configured, and assets/package-lock.json is the lock file of another",
            "remove assets/package-lock.json and commit pnpm's own, or configure the other",
        ),
        (
            {"packageManager": "npm@10.0.0"},
            {"package-lock.json": "{}", "yarn.lock": ""},
            Mark("assets/package.json", 2, 3),
            "packageManager: npm is configured, and assets/yarn.lock is the lock file of another",
            "remove assets/yarn.lock",
        ),
        (
            {"packageManager": "cargo"},
            {},
            Mark("assets/package.json", 2, 3),
            "packageManager: 'cargo' is no package manager with its version",
            'write it as in "packageManager": "pnpm@9.15.0"; npm, yarn, pnpm and bun are known',
        ),
    ],
)
def test_lock_files_that_contradict(
    dict_tree: Tree, package: dict[str, Any], files: dict[str, str], at: Mark, message: str, hint: str
) -> None:
    with pytest.raises(ProjectError) as raised:
        installation(dict_tree, package, **files)
    [problem] = raised.value.problems
    assert (problem.message, problem.at, problem.hint) == (message, at, hint)


@pytest.mark.parametrize(
    ("content", "at", "message"),
    [
        (b'{"a": 1,\n "b" }', Mark("package.json", 2, 6), "package.json: no JSON: Expecting ':' delimiter"),
        (b"[]", Mark("package.json", 1), "package.json: should be an object"),
        (b"\xff", Mark("package.json", 1), "package.json: is not UTF-8"),
        (
            b'{"dependencies": {"a": "file:/opt/a"}}',
            Mark("package.json", 1),
            "package.json: a is at /opt/a, an absolute path, which no build stage has",
        ),
        (b"[" * 100_000, Mark("package.json", 1), "package.json: nested too deeply"),
    ],
)
def test_a_package_json_that_is_at_fault(dict_tree: Tree, content: bytes, at: Mark, message: str) -> None:
    with pytest.raises(ProjectError) as raised:
        package_managers.read_packages(dict_tree({"package.json": content}), "")
    [problem] = raised.value.problems
    assert (problem.message, problem.at) == (message, at)


def test_what_an_installation_needs(dict_tree: Tree) -> None:
    package = {
        "dependencies": {"phoenix": "file:../deps/phoenix", "ui": "link:../ui", "topbar": "^3"},
        "workspaces": ["packages/*", "!packages/b", "tools/lint"],
    }
    tree = dict_tree(
        {
            "assets/package.json": json.dumps(package),
            "assets/yarn.lock": "__metadata:\n  version: 8\n",
            "assets/.yarnrc.yml": "enableTelemetry: false\n",
            "assets/.yarn/releases/yarn.cjs": "",
            "assets/packages/a/package.json": "{}",
            "assets/packages/no/readme": "",
            "assets/tools/lint/package.json": "{}",
            "ui/package.json": "{}",
        }
    )
    found = package_managers.read_packages(tree, "assets")
    assert found is not None
    made = package_managers.installation(tree, found)
    assert made.needs == (
        "assets/package.json",
        "assets/yarn.lock",
        "assets/.yarnrc.yml",
        "assets/.yarn/",
        "assets/packages/a/package.json",
        "assets/tools/lint/package.json",
        "ui/",
    )
    assert (found.local, made.plug_and_play) == (("deps/phoenix", "ui"), True)


def test_pnpms_workspaces_stand_in_a_file_of_their_own(dict_tree: Tree) -> None:
    files = {"package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - assets\n", "assets/package.json": "{}"}
    found = package_managers.read_packages(dict_tree(files), "")
    assert found is not None
    assert (found.members, found.has_dependencies) == (("assets",), True)


@pytest.mark.parametrize(
    ("file", "text", "stays_out"),
    [
        (".npmrc", "legacy-peer-deps=true\n", False),
        (".npmrc", "//npm.pkg.github.com/:_authToken=${NPM_TOKEN}\n", False),
        (".npmrc", "; _authToken=no\n# _authToken=no\n", False),
        (".npmrc", "//registry.example.com/:_authToken=s3cret\n", True),
        (".npmrc", "_auth = c2VjcmV0\n", True),
        (".npmrc", "//registry.example.com/:_password=cGFzcw==\n", True),
        (".yarnrc.yml", "npmAuthToken: s3cret\n", True),
        (".yarnrc.yml", 'npmScopes:\n  mine:\n    "npmAuthIdent": "name:s3cret"\n', True),
        (".yarnrc.yml", "npmScopes: {mine: {npmAuthToken: s3cret}}\n", True),
        (".yarnrc.yml", 'npmAuthToken: "${NPM_TOKEN:-}"\nnpmScopes: {mine: {npmAuthIdent: ${IDENT}}}\n', False),
        (".yarnrc.yml", "# npmAuthToken: s3cret\nnpmAuthToken:\nnpmAlwaysAuth: true\n", False),
        ("bunfig.toml", '[install]\nregistry = {url = "https://r.example.com", token = "s3cret"}\n', True),
        ("bunfig.toml", '[install.registry]\n"password"="s3cret"\n', True),
        ("bunfig.toml", '[install.registry]\ntoken = "$TOKEN"\n# token = "no"\npassword = ""\n', False),
    ],
)
def test_settings_with_a_login_stay_out(dict_tree: Tree, file: str, text: str, stays_out: bool) -> None:
    found = installation(dict_tree, {}, **{"package-lock.json": "{}", file: text})
    assert (found.kept_out, bool(found.notes)) == ((f"assets/{file}",) if stays_out else (), stays_out)
    assert (f"assets/{file}" not in found.needs) == stays_out
    assert "s3cret" not in "".join(found.notes)


@pytest.mark.parametrize(("engines", "text"), [(20, "20"), (20.1, "20.1"), (">=20", ">=20"), (True, None), ([], None)])
def test_engines_may_be_a_number(dict_tree: Tree, engines: object, text: str | None) -> None:
    said = installation(dict_tree, {"engines": {"node": engines}}, **{"package-lock.json": "{}"}).package.engines
    assert (said.value if said else None) == text


@pytest.mark.parametrize(
    ("file", "text", "variables"),
    [
        (".npmrc", "cache=${HOME}/c\n//r.example.com/:_authToken=${NPM_TOKEN}\nx=${NPM_TOKEN}\n",
         [SettingVariable("NPM_TOKEN", Mark("assets/.npmrc", 2, 29))]),
        (".npmrc", "; a=${A}\n # b=${B}\nc=\\${C}\nd=${D?}\ne=$E\n",
         [SettingVariable("D", Mark("assets/.npmrc", 4, 3), optional=True)]),
        (".yarnrc.yml", 'npmAuthToken: "${A-}"\nnpmScopes: {x: {npmAuthToken: "${B}"}}\nz: "${A}"\n',
         [SettingVariable("A", Mark("assets/.yarnrc.yml", 3, 5)),
          SettingVariable("B", Mark("assets/.yarnrc.yml", 2, 32))]),
        ("bunfig.toml", '[install]\nregistry = {url = "https://r.example.com", token = "$TOKEN"}\n',
         [SettingVariable("TOKEN", Mark("assets/bunfig.toml", 2, 53))]),
        ("pnpm-workspace.yaml", "packages: ['${A}']\n", []),
    ],
)  # fmt: skip
def test_what_settings_take_from_the_environment(
    dict_tree: Tree, file: str, text: str, variables: list[SettingVariable]
) -> None:
    assert list(installation(dict_tree, {}, **{"package-lock.json": "{}", file: text}).variables) == variables


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
_KEYS = ("dependencies", "devDependencies", "workspaces", "scripts", "engines", "packageManager")


@given(st.dictionaries(st.sampled_from(_KEYS), _JSON))
def test_any_json_gives_a_package_or_a_problem_with_its_place(dict_tree: Tree, package: dict[str, Any]) -> None:
    raised = None
    try:
        installation(dict_tree, package)
    except ProjectError as error:
        raised = error
    assert raised is None or all(problem.at for problem in raised.problems)
