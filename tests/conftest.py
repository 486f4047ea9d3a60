"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# No test asserts a time: a busy machine is no fault.
settings.register_profile("relbuild", deadline=None)
settings.load_profile("relbuild")
