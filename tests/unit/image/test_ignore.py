"""What a .dockerignore leaves out, asked about many paths: as for each by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.ignore import Ignored, excluded

NAMES = st.sampled_from(["a", "b", "lib", "x.pem", "[a]", "a*"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(["a", "b", "lib", "*", "**", "*.pem", "[ab]", r"\[a\]", "?", r"a\*", "l*"])
PATTERNS = st.lists(
    st.tuples(st.sampled_from(["", "", "!"]), st.lists(PARTS, min_size=1, max_size=3), st.sampled_from(["", "/"])).map(
        lambda each: f"{each[0]}{'/'.join(each[1])}{each[2]}"
    ),
    max_size=6,
)


@given(PATTERNS, st.lists(PATHS, max_size=8))
def test_each_path_is_left_out_as_it_is_by_itself(patterns: list[str], paths: list[str]) -> None:
    ignored = Ignored(patterns)
    assert [ignored.path(path) for path in paths] == [excluded(patterns, path) for path in paths]


@given(PATTERNS, PATHS, PATHS)
def test_of_a_directory_that_is_left_out_nothing_is_taken_back(patterns: list[str], directory: str, below: str) -> None:
    if Ignored(patterns).directory(directory):
        assert excluded(patterns, directory)
        assert excluded(patterns, f"{directory}/{below}")


def test_a_directory_that_is_worth_no_look() -> None:
    ignored = Ignored(["**/_build/", "deps/", "**/node_modules/", "!deps/phoenix/", "!priv/**", "*.pem"])
    asked = ("_build", "apps/web/_build", "deps", "deps/a", "assets/node_modules", "priv", "lib")
    assert [path for path in asked if ignored.directory(path)] == [
        "_build", "apps/web/_build", "deps/a", "assets/node_modules"
    ]  # fmt: skip


def test_the_text_of_a_file() -> None:
    ignored = Ignored.of("# a.ex\n\n  b.ex  \n!lib/b.ex\n**/c.ex\n")
    assert [path for path in ("a.ex", "b.ex", "lib/b.ex", "lib/c.ex") if ignored.path(path)] == ["b.ex", "lib/c.ex"]
    assert not Ignored.of("").path("a")
