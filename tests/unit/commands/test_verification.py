"""What is remembered of an image that was verified: it holds for what it was verified with."""

from __future__ import annotations

from relbuild.commands.verification import _key


def test_what_the_findings_depend_on() -> None:
    keys = [
        _key(image, secrets, stop_timeout)
        for image in ("sha256:1", "sha256:2")
        for secrets in ((), (("A", ("b",)),))
        for stop_timeout in (30, 60)
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == _key("sha256:1", (), 30)
