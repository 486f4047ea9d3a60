"""relbuild.lock: written, read, refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import Mark, Problem, ProjectError
from relbuild.image.plan.base_images import RENEW_LOCK, ImageLock, LockedImage, parse_image_lock

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
TEXT = f"""\
# The images that relbuild builds on, each with its digest and the platforms it has. Commit this file.
# `relbuild lock` renews it; `relbuild lock --check` tells what has moved since.
builder hexpm/elixir:1.18.4-erlang-27.3.4-debian-trixie-20260918-slim@{A} linux/amd64,linux/arm64
runner  registry.example.com:5000/acme/base:trixie@{B}
"""
LOCK = ImageLock(
    LockedImage(
        "hexpm/elixir:1.18.4-erlang-27.3.4-debian-trixie-20260918-slim",
        A,
        ("linux/amd64", "linux/arm64"),
        Mark("relbuild.lock", 3, 9),
    ),
    LockedImage("registry.example.com:5000/acme/base:trixie", B, (), Mark("relbuild.lock", 4, 9)),
)


def test_it_is_written_as_it_is_read() -> None:
    assert LOCK.render() == TEXT
    assert parse_image_lock(TEXT.encode()) == LOCK


def test_an_editor_may_have_had_it() -> None:
    edited = "\ufeff" + TEXT.replace("runner  ", "\n\trunner ").replace("\n", "\r\n") + "\r\n# why it was renewed\r\n"
    found = parse_image_lock(edited.encode())
    assert (found.builder, found.runner.reference) == (LOCK.builder, LOCK.runner.reference)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [("relbuild.lock has no builder", 1, 1), ("relbuild.lock has no runner", 1, 1)]),
        (f"builder a:1@{A}\n", [("relbuild.lock has no runner", 1, 1)]),
        (f"builder a:1@{A}\nbuilder a:1@{A}", [("builder is given twice, first on line 1", 2, 1)]),
        (f" deps a:1@{A}", [("'deps' is neither builder nor runner", 1, 2)]),
        ("runner", [("an image with its digest should follow", 1, 1)]),
        (
            f"runner a:1\nbuilder  a:1@{A[:-1]}",
            [
                ("should be an image with its digest (NAME:TAG@sha256:…), is 'a:1'", 1, 8),
                (f"should be an image with its digest (NAME:TAG@sha256:…), is {('a:1@' + A)[:59] + '…'!r}", 2, 10),
            ],
        ),
        (
            f"runner a:1@{A} amd64",
            [("should be platforms such as linux/amd64,linux/arm64, is 'amd64'", 1, 8 + len(f"a:1@{A} "))],
        ),
        (f"runner a@{A} linux/amd64 x", [("'x' is one word too many in this line", 1, 8 + len(f"a@{A} linux/amd64 "))]),
        ("<<<<<<< HEAD", [("'<<<<<<<' is neither builder nor runner", 1, 1)]),
    ],
)
def test_what_is_wrong_has_its_place(text: str, problems: list[tuple[str, int, int]]) -> None:
    with pytest.raises(ProjectError) as raised:
        parse_image_lock(text.encode())
    expected = [Problem(message, Mark("relbuild.lock", line, column), RENEW_LOCK) for message, line, column in problems]
    assert list(raised.value.problems) == expected


def test_what_is_not_utf_8_has_its_line() -> None:
    with pytest.raises(ProjectError) as raised:
        parse_image_lock(b"# a\nbuilder \xff\n")
    assert raised.value.problems == (Problem("relbuild.lock is not UTF-8", Mark("relbuild.lock", 2), RENEW_LOCK),)


@given(st.binary(max_size=120) | st.text(st.sampled_from(f"builder runner {A}@:/,\n\t#"), max_size=200).map(str.encode))
def test_any_bytes_give_a_lock_or_an_error_with_its_place(data: bytes) -> None:
    try:
        lock = parse_image_lock(data)
    except ProjectError as error:
        problems = error.problems
    else:
        problems = ()
        assert parse_image_lock(lock.render().encode()).builder.reference == lock.builder.reference
    assert all(problem.at and problem.hint for problem in problems)


@pytest.mark.parametrize(
    ("image", "fits"),
    [
        ("hexpm/elixir:1", True),
        ("docker.io/hexpm/elixir:1", True),
        (f"hexpm/elixir:1@{A}", True),
        (f"hexpm/elixir:1@{B}", False),
        ("hexpm/elixir:2", False),
        ("hexpm/elixir", False),
    ],
)
def test_a_lock_fits_the_image_it_was_made_for(image: str, fits: bool) -> None:
    assert LockedImage("hexpm/elixir:1", A, (), Mark("relbuild.lock", 1)).is_of(image) is fits
