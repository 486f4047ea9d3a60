"""The help: its groups and widths, each verb's examples and links, and the answer to a command that doesn't exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from relbuild.cli.app import GROUP_OF, GROUPS, command_line, unknown
from relbuild.cli.verb import DOCUMENTATION, VERBS

PAGES = {
    "assets", "ci", "configuration", "deploy", "distillery", "environment", "images", "json", "migrations", "places",
    "platforms", "troubleshooting", "umbrella",
}  # fmt: skip
BOX = re.compile(r"[╭╮╰╯─│]")


def shown(*argv: str, width: int = 80) -> str:
    """Return what the help says on a terminal of this width."""
    ran = CliRunner().invoke(command_line(None), [*argv, "--help"], env={"COLUMNS": str(width)})
    assert ran.exit_code == 0
    assert max(map(len, ran.stdout.splitlines())) <= width
    return ran.stdout


def words(text: str) -> str:
    """Return the text without the boxes and line breaks it is laid out with."""
    return " ".join(BOX.sub(" ", text).split())


def test_the_commands_stand_in_four_groups() -> None:
    text = shown()
    groups = re.findall(r"╭─ (\w+) ─", text)
    assert groups == ["Options", "Build", "Run", "Deploy", "Project"]
    for group, verbs in GROUPS.items():
        panel = text.partition(f"╭─ {group} ")[2].partition("╰")[0]
        assert re.findall(r"^│ ([a-z-]+) ", panel, re.MULTILINE) == list(verbs)
    assert "--version" in text


@pytest.mark.parametrize("width", [60, 80, 132])
def test_no_description_is_cut(width: int) -> None:
    text = words(shown(width=width))
    for verb in GROUP_OF:
        description = (VERBS[verb].call.__doc__ or "").partition("\n\n")[0]
        assert " ".join(description.split()) in text


@pytest.mark.parametrize("verb", GROUP_OF)
def test_a_verb_explains_its_options_in_groups(verb: str) -> None:
    text = shown(verb)
    assert re.findall(r"╭─ ([\w ]+) ─", text)[-1] == "Common options"
    common = words(text.partition("╭─ Common options ")[2])
    for option in ("-C DIR", "--config FILE", "--context NAME", "--host URL", "--dry-run", "--verbose -v", "--json"):
        assert option in common
    assert "…" not in shown(verb, width=60)


@pytest.mark.parametrize("verb", GROUP_OF)
def test_a_verb_has_two_examples_and_a_page(verb: str) -> None:
    lines = [line.strip() for line in shown(verb).partition("Examples")[2].splitlines() if line.strip()]
    examples, (heading, link) = lines[:-2], lines[-2:]
    assert (len(examples), heading) == (2, "Documentation")
    assert {page for page in PAGES if link == f"{DOCUMENTATION}/{page}.md"}
    for example in examples:
        words = shlex.split(re.split(r" [|>] ", example)[0])
        assert words[:2] == ["relbuild", verb]
        command = typer.main.get_command(command_line(verb))
        context = command.make_context("relbuild", words[1:])
        name, found, rest = command.resolve_command(context, words[1:])
        assert name == verb
        found.make_context(verb, rest)  # raises for an option that there isn't


def test_the_links_are_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("build", ["image"]),
        ("console", ["remote", "start-iex"]),
        ("iex", ["remote", "start-iex"]),
        ("up", ["deploy", "run"]),
        ("shell", ["remote", "start-iex"]),
        ("push", ["image"]),
        ("Build", ["image"]),
        ("imgae", ["image"]),
        ("insepct", ["inspect"]),
        ("migrat", ["migrate"]),
        ("dockerfil", ["dockerfile"]),
        ("verison", ["version"]),
        ("buid", ["image"]),
        ("xyzzy", []),
        ("help", []),
    ],
)
def test_a_command_that_does_not_exist(word: str, meant: list[str]) -> None:
    (problem,) = unknown(word).problems
    names = " or ".join(f"relbuild {verb}" for verb in meant)
    did_you_mean = f"did you mean {names}? " if meant else ""
    assert problem.message == f"there is no command {word}"
    assert problem.hint == f"{did_you_mean}relbuild --help lists the commands"
