"""Projects in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from relbuild.config import Config, parse
from relbuild.image.plan.location import Location
from relbuild.init.change import Overlay
from relbuild.init.files import InitOptions, Scaffold, make


class Nothing:
    """An empty directory."""

    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


@pytest.fixture(scope="session")
def tree() -> Callable[[Mapping[str, str]], Overlay]:
    return lambda files: Overlay(Nothing(), files)


@pytest.fixture(scope="session")
def scaffold(tree: Callable[[Mapping[str, str]], Overlay]) -> Callable[..., Scaffold]:
    def made(files: Mapping[str, str], location: Location | None = None, **options: object) -> Scaffold:
        config = parse(files["relbuild.yml"].encode()) if "relbuild.yml" in files else Config()
        return make(tree(files), config, InitOptions(**options), location)  # type: ignore[arg-type]

    return made


@pytest.fixture(scope="session")
def written(scaffold: Callable[..., Scaffold]) -> Callable[..., dict[str, str]]:
    """Return a function that gives what init writes, by its path."""
    return lambda files, **options: {change.path: change.after for change in scaffold(files, **options).changes}
