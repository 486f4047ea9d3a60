"""Applications that a release names: told where there surely are none of that name, and nowhere else."""

from __future__ import annotations

import pytest

from tests.unit.image.plan.test_sources import UMBRELLA, mix, plan

SUM = "0" * 64
LOCK = f"""%{{
  "jason": {{:hex, :jason, "1.4.4", "{SUM}", [:mix], [{{:decimal, "~> 2.0", [hex: :decimal, optional: false]}}], \
"hexpm", "{SUM}"}},
  "decimal": {{:hex, :decimal, "2.3.0", "{SUM}", [:mix], [], "hexpm", "{SUM}"}},
}}
"""
GIT = '%{\n  "tool": {:git, "https://git.example.com/tool.git", "f00", []},\n}\n'
JASON = 'deps: [{:jason, "~> 1.4"}]'
NOTE = (
    "release a: mix release will find no zz (mix.exs:3): no dependency is called so, none of the project's own "
    "applications, and none of Elixir's or OTP's"
)


def notes(applications: str, options: str, files: dict[str, str] | None = None, config: str = "") -> list[str]:
    mixfile = mix("a", f'elixir: "~> 1.18", releases: [a: [applications: {applications}]], {options}')
    made = plan({"mix.exs": mixfile, **(files or {})}, config=config)
    return [note for note in made.notes if "mix release will find" in note]


@pytest.mark.parametrize(
    ("options", "files", "config"),
    [
        ("deps: []", {}, ""),
        (JASON, {"mix.lock": LOCK}, ""),
        ('deps: [{:credo, "~> 1.7", only: :dev}]', {"mix.lock": LOCK.replace("jason", "credo")}, ""),
        ("deps: []", {}, "toolchain: debian\ndebian: trixie"),
        ('deps: [{:b, path: "b"}]', {"b/mix.exs": mix("b")}, ""),
    ],
)
def test_what_nothing_is_called_is_told(options: str, files: dict[str, str], config: str) -> None:
    assert notes("[zz: :permanent]", options, files, config) == [NOTE]


@pytest.mark.parametrize(
    ("options", "files", "config"),
    [
        (JASON, {}, ""),
        (JASON, {"mix.lock": LOCK}, "builder: {steps: {before_deps: [./fetch.sh]}}"),
        (JASON, {"mix.lock": LOCK}, "builder: {env: {ERL_LIBS: /opt/erlang}}"),
        (JASON, {"mix.lock": LOCK}, "builder: {packages: [erlang-p1-xml]}"),
        (JASON, {"mix.lock": LOCK}, "toolchain: image\ndebian: trixie\nbuilder: {image: 'mine:1'}"),
        ('deps: [{:tool, git: "https://git.example.com/tool.git"}]', {"mix.lock": GIT}, ""),
        ("deps: A.deps()", {"mix.lock": LOCK}, ""),
        ('deps: [{:b, path: "b"}]', {"b/rebar.config": ""}, ""),
        ('deps: [], aliases: ["deps.get": ["cmd ./fetch.sh"]]', {}, ""),
    ],
)
def test_nothing_is_told_where_not_all_is_known(options: str, files: dict[str, str], config: str) -> None:
    assert notes("[zz: :permanent]", options, files, config) == []


@pytest.mark.parametrize("name", ["a", "jason", "decimal", "runtime_tools", "ex_unit", "wx"])
def test_what_there_is_is_not_told(name: str) -> None:
    assert notes(f"[{name}: :permanent]", JASON, {"mix.lock": LOCK}) == []


def test_an_umbrellas_applications_are_its_own() -> None:
    files = {"apps/a/mix.exs": mix("a"), "apps/b/mix.exs": mix("b")}
    for name, told in (("b", False), ("zz", True)):
        umbrella = UMBRELLA.replace("a: :permanent", f"a: :permanent, {name}: :permanent")
        assert any("mix release will find" in note for note in plan({"mix.exs": umbrella, **files}).notes) == told
