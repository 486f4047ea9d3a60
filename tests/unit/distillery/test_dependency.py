"""Distillery leaves mix.exs and mix.lock, and all else in them stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.distillery import dependency
from relbuild.distillery.mix_exs import with_releases
from relbuild.distillery.rel_config import RelConfig, Release
from relbuild.elixir.syntax import parse, walk
from relbuild.errors import Mark
from relbuild.mix import project

HEX = "0" * 64


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[{:distillery, "~> 2.1"}]', "[]"),
        ('[{:a, "1"}, {:distillery, "~> 2.1"}]', '[{:a, "1"}]'),
        ('[{:distillery, "~> 2.1"}, {:a, "1"}]', '[{:a, "1"}]'),
        ('[{:a, "1"}, {:distillery, "~> 2.1"}, b: "2"]', '[{:a, "1"}, b: "2"]'),
        ('[a: "1", distillery: "~> 2.1"]', '[a: "1"]'),
        ('[distillery: "~> 2.1", a: "1"]', '[a: "1"]'),
        ('[\n  {:a, "1"},\n  {:distillery, "~> 2.1"}\n]', '[\n  {:a, "1"}\n]'),
        ('[\n  {:a, "1"}, # why\n  {:distillery, "~> 2.1"} # gone\n]', '[\n  {:a, "1"} # why\n]'),
        ('[\n  {:distillery,\n   "~> 2.1",\n   runtime: false},\n  {:a, "1"}\n]', '[\n  {:a, "1"}\n]'),
        ('[\r\n  {:a, "1"},\r\n  {:distillery, "~> 2.1"}\r\n]\r\n', '[\r\n  {:a, "1"}\r\n]\r\n'),
        ('[\n  {:a, "1"}\n  , {:distillery, "~> 2.1"}\n]', '[\n  {:a, "1"}\n  \n]'),
    ],
)
def test_it_goes_with_its_comma_and_line(before: str, after: str) -> None:
    assert dependency.without("mix.exs", before.encode()) == after.encode()


@pytest.mark.parametrize("text", ["[]", "x = {:distillery, 1}", '[{:distillery, "1"}] ++ [{:distillery, "2"}]'])
def test_what_is_not_plain_stays(text: str) -> None:
    assert dependency.without("mix.exs", text.encode()) is None


def entry(app: str, *needs: str) -> str:
    deps = ", ".join(f'{{:{dep}, "~> 1.0", [hex: :{dep}, repo: "hexpm", optional: false]}}' for dep in needs)
    return f'  "{app}": {{:hex, :{app}, "1.0.0", "{HEX}", [:mix], [{deps}], "hexpm", "{HEX}"}},\n'


@pytest.mark.parametrize(
    ("entries", "stay", "by"),
    [
        ([("artificery",), ("distillery", "artificery"), ("jason",)], ["jason"], ()),
        (
            [("artificery",), ("cli", "artificery"), ("distillery", "artificery")],
            ["artificery", "cli"],
            (),
        ),
        ([("distillery",), ("packager", "distillery")], ["distillery", "packager"], ("packager",)),
        ([("jason",)], ["jason"], ()),
    ],
)
def test_the_lock_keeps_what_others_need(entries: list[tuple[str, ...]], stay: list[str], by: tuple[str, ...]) -> None:
    lock = "%{\n" + "".join(entry(*each) for each in entries) + "}\n"
    left = "%{\n" + "".join(entry(*each) for each in entries if each[0] in stay) + "}\n"
    assert dependency.unlocked("mix.lock", lock.encode()) == (left.encode(), by)


names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(lambda name: name not in ("distillery", "do", "end"))
others = st.lists(
    st.tuples(names, st.sampled_from(['{:%s, "~> 1.0"}', '{:%s, path: "x", only: [:dev]}', '{:%s,\n   "1.0"}'])),
    max_size=4,
)


@given(before=others, after=others, lines=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), comment=st.booleans())
def test_everything_else_is_as_it_was(
    before: list[tuple[str, str]], after: list[tuple[str, str]], lines: bool, end: str, comment: bool
) -> None:
    """Without the dependency and with releases a mix.exs still parses, and names the other dependencies alike."""
    deps = [form % name for name, form in before]
    all_deps = [*deps, '{:distillery, "~> 2.1", runtime: false}', *(form % name for name, form in after)]
    between = ("," + " # why" * comment + "\n      ") if lines else ", "
    text = (
        "defmodule Shop.MixProject do\n  use Mix.Project\n\n  def project do\n    [\n      app: :shop,\n"
        f'      version: "1.0.0",\n      deps: [{between[1:] if lines else ""}{between.join(all_deps)}'
        f"{between[-7:] if lines else ''}]\n    ]\n  end\nend\n"
    ).replace("\n", end)
    without = dependency.without("mix.exs", text.encode())
    assert without is not None
    found = parse("mix.exs", without)
    kept = [found.text(node) for node in walk(found.root) if node.type == "tuple"]
    assert kept == [dep.replace("\n", end) for dep in all_deps if ":distillery" not in dep]
    read = project.read_project(Files({"mix.exs": without.decode()}))
    released = with_releases(
        without, read, RelConfig((Release("shop", Mark("rel/config.exs", 1), {}, ()),), "shop", ())
    ).content
    assert released is not None
    again = project.read_project(Files({"mix.exs": released}))
    assert [(dep.app, dep.requirement) for dep in again.deps] == [(dep.app, dep.requirement) for dep in read.deps]
    assert [release.name for release in again.releases] == ["shop"]
    # Taking the inserted lines away gives what was there.
    inserted = [line for line in released.split(end) if line not in without.decode().split(end)]
    assert all(word in " ".join(inserted) for word in ("releases: [", "include_executables_for: [:unix]"))


class Files:
    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()
