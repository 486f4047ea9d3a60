"""Findings as people read them."""

from __future__ import annotations

import pytest

from relbuild.image.findings import Finding, size, table


def test_a_message_or_hint_of_several_lines_has_rows_of_its_own() -> None:
    boot = Finding("boot", "failed", "it doesn't boot: no license\nbuy one", "buy one,\nor two")
    assert table((boot, Finding("user", "ok", "nobody", "not shown"))).rows == (
        ("failed", "boot", "it doesn't boot: no license"),
        ("", "", "buy one"),
        ("", "", "buy one,"),
        ("", "", "or two"),
        ("ok", "user", "nobody"),
    )


@pytest.mark.parametrize(
    ("now", "previous", "status", "message"),
    [
        (40_200_000, None, "note", "40.2 MB compressed"),
        (40_200_000, ("shop:1", 40_200_000), "note", "40.2 MB compressed, the same as shop:1"),
        (40_200_000, ("shop:1", 40_195_000), "note", "40.2 MB compressed, 5.0 kB more than shop:1"),
        (40_200_000, ("shop:1", 50_200_000), "note", "40.2 MB compressed, 10.0 MB less than shop:1"),
        (90_000_000, ("shop:1", 40_000_000), "warning", "90.0 MB compressed, 50.0 MB more than shop:1"),
        (530_000_000, ("shop:1", 500_000_000), "note", "530.0 MB compressed, 30.0 MB more than shop:1"),
        (2_000_000, ("shop:1", 1_000_000), "note", "2.0 MB compressed, 1.0 MB more than shop:1"),
    ],
)
def test_the_size(now: int, previous: tuple[str, int] | None, status: str, message: str) -> None:
    finding = size(now, previous, compressed=True)
    assert (finding.check, finding.status, finding.message) == ("size", status, message)
    uncompressed = size(now, previous, compressed=False)
    assert uncompressed.message == message.replace("compressed", "uncompressed")
