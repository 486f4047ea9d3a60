"""What a release leaves out that its image starts with: refused where nothing adds it, told where something may."""

from __future__ import annotations

import pytest

from relbuild.errors import Mark, Problem, ProjectError
from tests.unit.image.plan.test_sources import mix, plan

WINDOWS = "include_executables_for: [:windows]"
NO_VM = "include_erts: false"
SCRIPT = Problem(
    "release a: include_executables_for leaves out bin/a, which the image starts with",
    Mark("mix.exs", 3),
    "add :unix to it",
)
VM = Problem(
    "release a: include_erts: false leaves out the VM, which a slim runner doesn't have",
    Mark("mix.exs", 3),
    "leave include_erts out; or name an image that has the builder's Erlang/OTP in runner.base of relbuild.yml",
)


def notes(options: str, config: str = "", files: dict[str, str] | None = None) -> list[str]:
    made = plan({"mix.exs": mix("a", f"releases: [a: [{options}]], deps: []"), **(files or {})}, config=config)
    return [note for note in made.notes if note.startswith("release a:")]


@pytest.mark.parametrize(
    ("options", "config", "problem"),
    [
        (WINDOWS, "", SCRIPT),
        ("include_executables_for: []", "", SCRIPT),
        (f"{WINDOWS}, steps: [:assemble, :tar]", "", SCRIPT),
        (WINDOWS, "runner: {packages: [erlang-base]}", SCRIPT),
        (NO_VM, "", VM),
    ],
)
def test_what_nothing_can_start(options: str, config: str, problem: Problem) -> None:
    with pytest.raises(ProjectError) as refused:
        notes(options, config)
    [said] = refused.value.problems
    assert (said.message, said.hint) == (problem.message, problem.hint)
    assert said.at is not None
    assert (said.at.file, said.at.line) == ("mix.exs", 3)


def test_both_are_told_at_once() -> None:
    with pytest.raises(ProjectError) as refused:
        notes(f"{WINDOWS}, {NO_VM}")
    assert [each.message for each in refused.value.problems] == [SCRIPT.message, VM.message]


@pytest.mark.parametrize(
    ("options", "config", "files"),
    [
        (f"{WINDOWS}, steps: [:assemble, &A.start/1]", "", {}),
        (f"{WINDOWS}, steps: A.steps()", "", {}),
        (f'{WINDOWS}, overlays: ["more"]', "", {}),
        (WINDOWS, "", {"rel/overlays/bin/a": ""}),
        (WINDOWS, "builder: {steps: {before_compile: [./overlays.sh]}}", {}),
    ],
)
def test_what_something_else_may_add_is_told(options: str, config: str, files: dict[str, str]) -> None:
    assert notes(options, config, files) == [f"{SCRIPT.message} (mix.exs:3): something else must add it"]


def test_a_package_may_bring_a_vm_along() -> None:
    assert notes(NO_VM, "runner: {packages: [rabbitmq-server]}") == [
        f"{VM.message} (mix.exs:3): something else must add it"
    ]


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ("include_executables_for: [:unix], include_erts: true", ""),
        ("include_executables_for: [:windows, :unix]", ""),
        ("include_executables_for: A.systems(), include_erts: &A.erts/0", ""),
        (NO_VM, "runner: {packages: [erlang-base]}"),
        (NO_VM, "toolchain: debian\ndebian: trixie\nrunner: {base: 'registry.example.com/erlang:27'}"),
        ('include_erts: "/usr/lib/erlang"', ""),
    ],
)
def test_what_starts_is_not_told(options: str, config: str) -> None:
    assert notes(options, config) == []
