"""Variables that the compile-time configuration reads."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.unit.image.plan.test_plan import plan
from tests.unit.image.plan.test_sources import UMBRELLA, mix

NEEDED = (
    "needed when the image is built, which fails without; read it in config/runtime.exs instead, or give it to the "
    "build: builder.secrets in relbuild.yml, builder.env for what is no secret"
)
FIXED = (
    "read when the image is built, so that what is set where it runs has no effect there; read it in "
    "config/runtime.exs instead, or give it to the build: builder.env in relbuild.yml"
)


def notes(files: Mapping[str, str], config: str = "") -> list[str]:
    return [each for each in plan(files, config).notes if "when the image is built" in each]


def exs(*lines: str) -> str:
    return "\n".join(("import Config", *lines, ""))


def test_what_the_build_needs() -> None:
    config = exs('import_config "#{config_env()}.exs"')
    prod = exs(
        'config :shop, a: System.fetch_env!("A")',
        'config :shop, b: System.get_env("B") || raise("no B")',
        'config :shop, c: Map.fetch!(System.get_env(), "C")',
    )
    files = {"config/config.exs": config, "config/prod.exs": prod}
    assert notes(files) == [f"A (config/prod.exs:2), B (config/prod.exs:3), C (config/prod.exs:4): {NEEDED}"]
    assert notes(files, "builder:\n  env: {A: x}\n  secrets: [C]\n") == [f"B (config/prod.exs:3): {NEEDED}"]


def test_what_the_build_fixes() -> None:
    config = exs(*(f'config :shop, v{n}: System.get_env("V{n}", "{n}")' for n in range(5)))
    files = {"config/config.exs": config}
    assert notes(files) == [
        f"V0 (config/config.exs:2), V1 (config/config.exs:3), V2 (config/config.exs:4) and 2 more: {FIXED}"
    ]
    # Where the boot reads it again, that is what counts.
    runtime = exs(*(f'config :shop, v{n}: System.get_env("V{n}")' for n in range(4)))
    assert notes({**files, "config/runtime.exs": runtime}) == [f"V4 (config/config.exs:6): {FIXED}"]


@pytest.mark.parametrize(
    "line",
    [
        'if config_env() == :dev, do: config(:shop, a: System.fetch_env!("A"))',
        'config :shop, home: System.get_env("HOME"), env: System.get_env("MIX_ENV")',
        'config :shop, a: {:system, "A"}',
        'import_config "dev.exs"',
    ],
)
def test_what_is_no_matter_of_the_build(line: str) -> None:
    assert notes({"config/config.exs": exs(line), "config/test.exs": exs('System.fetch_env!("T")')}) == []


def test_the_configuration_of_an_umbrella_s_applications() -> None:
    files = {
        "config/config.exs": 'use Mix.Config\nimport_config "../apps/*/config/config.exs"\n',
        "mix.exs": UMBRELLA,
        "apps/a/mix.exs": mix("a"),
        "apps/a/config/config.exs": 'use Mix.Config\nconfig :shop, a: System.get_env("A")\n',
    }
    assert notes(files) == [f"A (apps/a/config/config.exs:2): {FIXED}"]
