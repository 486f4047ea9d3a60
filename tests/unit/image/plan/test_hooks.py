"""A buildpack's hooks are told, with the key of relbuild.yml that takes their place."""

from __future__ import annotations

import pytest

from relbuild import config as configuration
from relbuild.image.plan.notes import hook_notes
from relbuild.init.change import Overlay

FILE = "elixir_buildpack.config"
HEX = "Hex is logged in by the build itself, `builder: {repos: …}` in relbuild.yml says how"


class Nothing:
    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def notes(settings: str, config: str = "") -> list[str]:
    tree = Overlay(Nothing(), {FILE: settings})
    return list(hook_notes(tree, configuration.parse(config.encode()), ["mix assets.deploy"]))


def step(line: int, hook: str, key: str) -> str:
    return f"{FILE}:{line}: {hook} isn't run: `builder: {{steps: {{{key}: […]}}}}` in relbuild.yml does the same"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("erlang_version=27.3\n# hook_pre_compile=x\nhook_pre_compile=\nhook_post_compile=''\n", []),
        ('hook_pre_compile="./download.sh"\n', [step(1, "hook_pre_compile", "before_compile")]),
        ("\nexport hook_post_compile='bin/after \"x\"' # ours\n", [step(2, "hook_post_compile", "after_compile")]),
        ("hook_pre_fetch_dependencies=./a\n", [step(1, "hook_pre_fetch_dependencies", "before_deps")]),
        ("hook_post_fetch_dependencies=./a\n", [step(1, "hook_post_fetch_dependencies", "before_compile")]),
        ("hook_compile=./a\n", [f"{FILE}:1: hook_compile isn't run: the build compiles by mix compile"]),
        ('hook_post_compile="a"\nhook_post_compile="mix \\\n  assets.deploy"\n', []),
        (
            'hook_pre_fetch_dependencies="mix hex.repo add acme https://hex.example.com \\\n --auth-key ${KEY}"\n',
            [f"{FILE}:1: hook_pre_fetch_dependencies isn't run: {HEX}"],
        ),
        (
            'hook_post_compile="mix ecto.migrate"\n',
            [
                f"{FILE}:1: hook_post_compile isn't run: a build reaches no database; relbuild migrate migrates where "
                "the app runs"
            ],
        ),
    ],
)
def test_each_hook_is_told(settings: str, told: list[str]) -> None:
    assert notes(settings) == told


def test_what_relbuild_yml_does_already_is_not() -> None:
    settings = 'hook_pre_compile="./a"\nhook_post_compile="./b"\n'
    given = "builder: {steps: {before_compile: [./a]}}\n"
    assert notes(settings, given) == [step(2, "hook_post_compile", "after_compile")]
