"""The commands in README.md and docs/ are ones that relbuild has; those that need no engine are run."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from relbuild.cli.app import command_line

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def commands(page: Path) -> list[str]:
    """Return the calls of relbuild in a page's blocks, without the shell's prompt and comments."""
    found = []
    for block in re.findall(r"```(?:console|yaml|)\n(.*?)```", page.read_text(), re.DOTALL):
        for line in block.splitlines():
            if match := re.match(r"\s*(?:\$ |- run: )?(relbuild .*)", line):
                found.append(match[1])
    # In a sentence a line may end within a command.
    sentences = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found += [" ".join(each.split()) for each in re.findall(r"`(relbuild [a-z][^`]*)`", sentences)]
    return found


CALLS = [(page.name, call) for page in PAGES for call in commands(page)]


def words(call: str) -> list[str]:
    return shlex.split(call.replace("…", "x"), comments=True)


def test_there_are_commands_in_the_pages() -> None:
    assert len(CALLS) > 30


@pytest.mark.parametrize(("page", "call"), CALLS, ids=[f"{page}: {call[:50]}" for page, call in CALLS])
def test_a_documented_command_is_understood(page: str, call: str) -> None:
    verb, *arguments = words(call)[1:]
    if "|" in arguments:
        arguments = arguments[: arguments.index("|")]
    group = typer.main.get_command(command_line(None))
    # Parsing alone: the command isn't run. --help ends it.
    with contextlib.suppress(typer.Exit):
        group.commands[verb].make_context(verb, arguments)  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", ["plan", "dockerfile", "env", "env --example", "schema", "plan --json"])
def test_a_reading_command_of_the_pages_works(verb: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "shop", shop)
    argv = (sys.executable, "-m", "relbuild", *verb.split())
    done = subprocess.run(argv, cwd=shop, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
