"""The environment contract: which variables a release reads at boot, which of them it must have, and when."""

from __future__ import annotations

from relbuild.mix.environment.boot import COMMAND, read
from relbuild.mix.environment.conditions import describe
from relbuild.mix.environment.contract import (
    Contract,
    Default,
    Kind,
    Lack,
    Requirement,
    Variable,
    from_label,
    lacks,
    to_label,
)
from relbuild.mix.environment.contract import to_data as data_of

__all__ = [
    "COMMAND",
    "Contract",
    "Default",
    "Kind",
    "Lack",
    "Requirement",
    "Variable",
    "data_of",
    "describe",
    "from_label",
    "lacks",
    "read",
    "to_label",
]
