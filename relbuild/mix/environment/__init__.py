"""The environment contract: which variables a release reads at boot, which of them it must have, and when."""

from __future__ import annotations

from relbuild.mix.environment.boot import read
from relbuild.mix.environment.contract import Contract, Default, Kind, Lack, Requirement, Variable, from_label, lacks

__all__ = ["Contract", "Default", "Kind", "Lack", "Requirement", "Variable", "from_label", "lacks", "read"]
