"""relbuild.yml → Config; every error at its line and column, all of them in one go."""

from __future__ import annotations

from relbuild.config.decode import parse
from relbuild.config.model import Builder, Config, Healthcheck, Repository, Runner, Steps, Verify
from relbuild.config.target import Target

__all__ = ["Builder", "Config", "Healthcheck", "Repository", "Runner", "Steps", "Target", "Verify", "parse"]
