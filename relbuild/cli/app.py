"""The command line as a whole."""

from __future__ import annotations

from relbuild.cli import build, release
from relbuild.cli.verb import app

__all__ = ["app", "build", "release"]
