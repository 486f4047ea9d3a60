"""What the engine's answers say."""

from __future__ import annotations

import pytest

from relbuild.engine.facts import ImageFacts


@pytest.mark.parametrize(
    ("said", "signal"),
    [
        (None, "SIGTERM"),
        ("", "SIGTERM"),
        ("SIGQUIT", "SIGQUIT"),
        ("int", "SIGINT"),
        ("15", "SIGTERM"),
        ("0", "signal 0"),
    ],
)
def test_the_signal_that_stops_an_image(said: str | None, signal: str) -> None:
    assert ImageFacts.of({"Id": "i", "Config": {"StopSignal": said}}).stop_signal == signal
