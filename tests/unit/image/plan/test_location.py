"""How far up the build context reaches, and where a path is then."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import Mark, ProjectError
from relbuild.image.plan.location import BuildContext, Location, NeededPath, widen_context

AT = Mark("mix.exs", 3, 5)
REPOSITORY = Location(("services", "api"), git=True)


def wanted(*paths: str) -> list[NeededPath]:
    return [NeededPath(path, "dependency x", AT) for path in paths]


@pytest.mark.parametrize(
    ("paths", "base", "up"),
    [
        ((), "", "."),
        (("libs/a",), "", "."),
        (("../shared",), "api", ".."),
        (("../shared", "../../libs/a"), "services/api", "../.."),
        (("../..",), "services/api", "../.."),
    ],
)
def test_the_context_is_the_smallest_that_has_all(paths: tuple[str, ...], base: str, up: str) -> None:
    context = widen_context(REPOSITORY, wanted(*paths))
    assert (context, context.up) == (BuildContext(base), up)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../../../other", "dependency x: ../../../other lies outside of the git repository"),
        ("/opt/other", "dependency x: /opt/other is an absolute path, which no build stage has"),
    ],
)
def test_what_no_build_may_see(path: str, message: str) -> None:
    with pytest.raises(ProjectError) as raised:
        widen_context(REPOSITORY, wanted("../shared", path))
    [problem] = raised.value.problems
    assert (problem.message, problem.at) == (message, AT)


def test_without_a_repository_the_whole_disk_is_still_no_context() -> None:
    with pytest.raises(ProjectError, match="never the whole disk"):
        widen_context(Location(("api",)), wanted("../../etc"))


@pytest.mark.parametrize("name", ["my api", "a,b", 'a"b', "a$b"])
def test_a_name_that_a_mount_could_not_hold(name: str) -> None:
    with pytest.raises(ProjectError, match="in its name, and a build stage can't be told of it"):
        widen_context(Location((name,)), wanted("../shared"))
    assert widen_context(Location((name,)), wanted("libs/a")) == BuildContext("")


def test_paths_in_the_stages() -> None:
    context = BuildContext("services/api")
    assert context.workdir == "/src/services/api"
    assert [context.source(path) for path in ("lib/", "../shared/lib/", "../../x.exs")] == [
        "services/api/lib/",
        "services/shared/lib/",
        "x.exs",
    ]


NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True)


@given(st.lists(NAMES, max_size=4), st.integers(0, 4), st.lists(NAMES, max_size=3))
def test_the_stages_have_every_path_where_the_project_looks_for_it(above: list[str], up: int, rest: list[str]) -> None:
    path = "/".join([".."] * up + rest) or "."
    try:
        context = widen_context(Location(tuple(above), git=True), wanted(path))
    except ProjectError:
        assert up > len(above)
        return
    assert posixpath.normpath(posixpath.join(context.workdir, path)) == posixpath.normpath(
        posixpath.join("/src", context.source(path))
    )
