"""What is said of a command that failed."""

from __future__ import annotations

import pytest

from relbuild.release.advice import refusal

HELP = ("", "Run 'docker run --help' for more information")


@pytest.mark.parametrize(
    ("code", "tail", "told"),
    [
        (125, ("docker: Error response from daemon: no room.", *HELP), ("no room", None)),
        (125, ("docker: Error response from daemon: no.", "See 'docker run --help'."), ("no", None)),
        (125, ("unknown flag: --bogus", "", "Usage:  docker run [OPTIONS]", *HELP), ("unknown flag: --bogus", None)),
        (127, ('docker: exec: "/app/a": no such file', *HELP), ('exec: "/app/a": no such file', None)),
        (
            125,
            ("docker: Error response from daemon: Bind for 0.0.0.0:80: port is already allocated.", *HELP),
            (
                "Bind for 0.0.0.0:80: port is already allocated",
                "the port is taken on that machine: publish it under another, -p HOST:PORT",
            ),
        ),
        # A release's own: its code, and what it writes.
        (125, (), None),
        (125, ("docker: I am a release",), None),
        (1, ("docker: no", *HELP), None),
    ],
)
def test_a_container_that_did_not_start_is_told_from_a_release_that_failed(
    code: int, tail: tuple[str, ...], told: tuple[str, str | None] | None
) -> None:
    assert refusal(code, tail) == told
