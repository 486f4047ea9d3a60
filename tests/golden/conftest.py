"""Golden files: a project → the plan and the Dockerfile relbuild makes of it."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--recapture", action="store_true", help="write the golden files anew; review the difference")
