"""What Distillery left behind is told, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.mix import distillery

TOLD = "is Distillery's, which mix release doesn't read"
REST = (
    ": relbuild convert shows what takes its place, in mix.exs, rel/vm.args.eex, rel/env.sh.eex and "
    "config/runtime.exs, and what is left to a person"
)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"rel/config.exs": "~w(rel plugins)\n\nuse Distillery.Releases.Config,\n  default_release: :shop\n"},
            f"rel/config.exs:3 {TOLD}",
        ),
        (
            {
                "rel/config.exs": "use Mix.Releases.Config, default_release: :shop\n",
                "rel/hooks/pre_start": "",
                "rel/commands/migrate.sh": "",
                "rel/env.sh.eex": "",
            },
            f"rel/config.exs:1 {TOLD}, nor rel/commands/ and rel/hooks/ beside it",
        ),
    ],
)
def test_it_is_told_with_its_place(dict_tree: Any, files: dict[str, str], told: str) -> None:
    assert distillery.distillery_notes(dict_tree(files)) == (told + REST,)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"rel/hooks/x": "", "rel/env.sh.eex": ""},
        {"rel/config.exs": "import Config\n"},
        {"rel/config.exs": "# use Mix.Releases.Config\n"},
    ],
)
def test_what_is_not_distillerys_is_not(dict_tree: Any, files: dict[str, str]) -> None:
    assert distillery.distillery_notes(dict_tree(files)) == ()
