"""Which dependencies a build for production fetches, by mix.exs and mix.lock."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.errors import Mark, ProjectError
from relbuild.mix import lock, project
from relbuild.mix.lock import Resolved, hold_unchecked, refuse_mismatch, resolve_dependencies, unchecked

MIX = """defmodule A.MixProject do
  use Mix.Project
  def project, do: [app: :a, version: "1.0.0", deps: [
    DEPS
  ]]
end
"""


def pinned(app: str, *deps: str, managers: str = ":mix", repo: str = "hexpm", version: str = "1.0.0") -> str:
    """One line of mix.lock; a dependency that ends with a question mark is an optional one."""
    has = ", ".join(
        f'{{:{name.rstrip("?")}, "~> 1.0", [hex: :{name.rstrip("?")}, optional: {str(name.endswith("?")).lower()}]}}'
        for name in deps
    )
    return f'"{app}": {{:hex, :{app}, "{version}", "", [{managers}], [{has}], "{repo}", ""}},'


LOCK = "\n".join(
    (
        "%{",
        pinned("cowboy", "cowlib", managers=":make, :rebar3"),
        pinned("cowlib", managers=":rebar3"),
        pinned("credo", "jason"),
        pinned("jason", "decimal?", version="1.4.4"),
        pinned("decimal"),
        '"tools": {:git, "https://example.com/tools.git", "0a1b", []},',
        pinned("of_tools", repo="hexpm:acme"),
        "}",
    )
)


def read(dict_tree: Any, deps: str, **files: str) -> project.Project:
    return project.read_project(dict_tree({"mix.exs": MIX.replace("DEPS", deps), **files}))


def apps(found: tuple[Resolved, ...]) -> list[tuple[str, bool]]:
    return [(each.app, each.runtime) for each in found]


PINNED = lock.read_lock("mix.lock", LOCK.encode())


def test_transitive_dependencies_count_and_optional_ones_only_when_they_are_asked_for(dict_tree: Any) -> None:
    found = resolve_dependencies(
        read(dict_tree, '{:cowboy, "~> 2.9"}, {:jason, "~> 1.0"}, {:credo, "~> 1.7", only: :dev}'), PINNED
    )
    assert apps(found) == [("cowboy", True), ("cowlib", True), ("jason", True)]
    assert found[1] == Resolved("cowlib", "cowlib", Mark("mix.lock", 3, 1), "hexpm", managers=("rebar3",), deps=())


def test_what_only_builds_is_told_apart(dict_tree: Any) -> None:
    found = resolve_dependencies(read(dict_tree, '{:credo, "~> 1.7", runtime: false}, {:decimal, "~> 2.0"}'), PINNED)
    assert apps(found) == [("credo", False), ("decimal", True), ("jason", False)]


def test_what_a_git_dependency_has_is_what_nothing_else_explains(dict_tree: Any) -> None:
    deps = (
        '{:tools, git: "https://example.com/tools.git"}, {:credo, "~> 1.7", only: :dev}, {:jason, "~> 1.0", only: :dev}'
    )
    found = resolve_dependencies(read(dict_tree, deps), PINNED)
    assert apps(found) == [("cowboy", True), ("cowlib", True), ("of_tools", True), ("tools", True)]


def test_without_a_lock_file_mix_exs_says_what_it_can(dict_tree: Any) -> None:
    deps = '{:auth, "~> 1.0", organization: "acme", hex: :acme_auth}, {:core, "~> 1.0", repo: "own", runtime: false}'
    assert resolve_dependencies(read(dict_tree, deps), {}) == (
        Resolved("auth", "acme_auth", Mark("mix.exs", 4, 5), "hexpm:acme"),
        Resolved("core", "core", Mark("mix.exs", 4, 63), "own", runtime=False),
    )


@pytest.mark.parametrize(
    ("deps", "messages"),
    [
        ('{:jason, "~> 1.0"}', []),
        ('{:jason, ">= 0.0.0"}, {:plug, "~> 1.0", only: :test}', []),
        ('{:tools, git: "https://example.com/tools.git"}', []),
        ('{:tools, git: "https://t0ken@example.com/tools.git"}', []),
        ('{:jason, "~> 2.0"}', ["it has jason 1.4.4, and ~> 2.0 is requested"]),
        ('{:plug, "~> 1.0"}, {:phoenix, "~> 1.7"}', ["it has no plug", "it has no phoenix"]),
        ('{:jason, git: "https://example.com/jason.git"}', ["jason is from hex"]),
        ('{:tools, git: "https://example.com/other.git"}', ["tools is from https://example.com/tools.git"]),
        # Whether it is fetched at all isn't known.
        ('{:plug, "~> 1.0", only: envs()}', []),
    ],
)
def test_a_lock_file_that_surely_does_not_match(dict_tree: Any, deps: str, messages: list[str]) -> None:
    found = read(dict_tree, deps)
    if not messages:
        refuse_mismatch(found, PINNED, "mix.lock")
        return
    with pytest.raises(ProjectError) as raised:
        refuse_mismatch(found, PINNED, "mix.lock")
    problems = raised.value.problems
    assert [each.message for each in problems] == [f"mix.lock does not match mix.exs: {said}" for said in messages]
    assert {each.hint for each in problems} == {"run mix deps.get, and commit mix.lock"}


ENTRIES = (
    '"a": {:hex, :a, "1.0.0", "00", [:mix], [{:b, "~> 1.0", [hex: :b, optional: false]}], "hexpm", nil},',
    '"b": {:hex, :b, "1.0.0", "00", [:mix], [], "hexpm"},',
    '"c": {:hex, :c, "1.0.0", nil, [:mix], [], "hexpm", "00"},',
    '"d": {:hex, :d, "1.0.0"},',
)


def hold(dict_tree: Any, deps: str, entries: str, elixir: str | None) -> tuple[str, ...]:
    pinned = lock.read_lock("mix.lock", f"%{{\n{entries}\n}}".encode())
    return hold_unchecked(unchecked(read(dict_tree, deps), pinned), "mix.lock", elixir)


def test_a_package_that_is_locked_without_a_checksum(dict_tree: Any) -> None:
    deps = '{:a, "~> 1.0"}, {:c, "~> 1.0"}, {:d, "~> 1.0", only: :test}'
    with pytest.raises(ProjectError) as raised:
        hold(dict_tree, deps, "\n".join(ENTRIES), "1.15.0")
    assert [(each.message, each.at, each.hint) for each in raised.value.problems] == [
        (
            f"mix.lock lacks a checksum of {app}, and the build's mix deps.get --check-locked refuses to add it",
            Mark("mix.lock", line, 1),
            "run mix deps.get, and commit mix.lock",
        )
        for app, line in (("b", 3), ("c", 4))
    ]


def test_a_lock_file_of_before_there_were_checksums(dict_tree: Any) -> None:
    entries = "".join(f'"{app}": {{:hex, :{app}, "1.0.0"}}, ' for app in "abcd")
    deps = ", ".join(f'{{:{app}, "~> 1.0"}}' for app in "abcd")
    with pytest.raises(ProjectError) as raised:
        hold(dict_tree, deps, entries, "1.18.4")
    [problem] = raised.value.problems
    assert problem.message == (
        "mix.lock lacks checksums of 4 packages (a, b, c, …), and the build's mix deps.get --check-locked refuses to "
        "add it"
    )


@pytest.mark.parametrize("elixir", ["1.14.5", None])
def test_a_mix_that_adds_checksums_by_itself(dict_tree: Any, elixir: str | None) -> None:
    # One of the two is enough for Hex to hold the package against.
    assert hold(dict_tree, '{:a, "~> 1.0"}, {:c, "~> 1.0"}', "\n".join(ENTRIES), elixir) == ()
    assert hold(dict_tree, '{:d, "~> 1.0"}', "\n".join(ENTRIES), elixir) == (
        "mix.lock lacks a checksum of d: a build may get another package than you have; run mix deps.get",
    )


@pytest.mark.parametrize(
    ("locked", "asked", "said"),
    [
        ('[tag: "v1"]', 'tag: "v1"', None),
        ("[]", "submodules: true", None),
        ('[branch: "main", submodules: true]', 'branch: "main"', None),
        # What is requested isn't known.
        ('[ref: "0a"]', "ref: @ref", None),
        ('[tag: "v1"]', 'tag: "v2"', "tag v1, not tag v2"),
        ('[branch: "main"]', 'ref: "0b"', "branch main, not ref 0b"),
        ("[]", 'tag: "v2"', "the default branch, not tag v2"),
        ('[ref: "0a"]', "submodules: true", "ref 0a, not the default branch"),
    ],
)
def test_a_git_dependency_that_is_locked_for_another_tag(
    dict_tree: Any, locked: str, asked: str, said: str | None
) -> None:
    url = "https://example.com/t.git"
    pinned = lock.read_lock("mix.lock", f'%{{"t": {{:git, "{url}", "0a", {locked}}}}}'.encode())
    project = read(dict_tree, f'{{:t, git: "{url}", {asked}}}')
    if said is None:
        refuse_mismatch(project, pinned, "mix.lock")
        return
    with pytest.raises(ProjectError) as raised:
        refuse_mismatch(project, pinned, "mix.lock")
    [problem] = raised.value.problems
    assert problem.message == f"mix.lock does not match mix.exs: t is locked for {said}"


def test_the_login_of_a_pinned_git_url_is_not_repeated(dict_tree: Any) -> None:
    pinned = lock.read_lock("mix.lock", b'%{"t": {:git, "https://me:t0ken@example.com/t.git", "0a"}}')
    with pytest.raises(ProjectError) as raised:
        refuse_mismatch(read(dict_tree, '{:t, git: "https://example.com/u.git"}'), pinned, "mix.lock")
    assert raised.value.problems[0].message.endswith("t is from https://example.com/t.git")
