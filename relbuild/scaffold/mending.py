"""The setting by which relbuild.yml settles on a toolchain, where the project's own files allow none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relbuild.config import Config
from relbuild.errors import ConfigError, ProjectError
from relbuild.mix import toolchain
from relbuild.mix.facts import Tree
from relbuild.mix.project import Project
from relbuild.mix.toolchains import ELIXIR_NEWEST, HEXPM_OLDEST_OTP, OTP_NEWEST
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Mend:
    """A key of relbuild.yml and its value, with which there is a toolchain, and why there is none without it."""

    key: str
    value: str
    why: str

    @property
    def decided(self) -> bool:
        """Whether it may stand in relbuild.yml unasked: it overrides nothing that the project says."""
        return self.key == "debian"

    def applied(self, config: Config) -> Config:
        """Return the configuration with it."""
        match self.key:
            case "debian":
                return replace(config, debian=self.value)
            case "otp":
                return replace(config, otp=self.value)
            case _:
                return replace(config, elixir=self.value)


def find(tree: Tree, config: Config, project: Project) -> Mend | None:
    """Return what gives the project a toolchain; None where it has one, and where no single setting does.

    Raises ConfigError where relbuild.yml is at fault.
    """
    try:
        toolchain.resolve(tree, config, project.required_elixir)
    except ProjectError as error:
        for key, value in _tried(config):
            mend = Mend(key, value, error.problems[0].message)
            if _settles(tree, mend.applied(config), project):
                return mend
    return None


def _settles(tree: Tree, config: Config, project: Project) -> bool:
    try:
        toolchain.resolve(tree, config, project.required_elixir)
    except (ConfigError, ProjectError):
        return False
    return True


def _tried(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what relbuild.yml could say and doesn't, the newest of each first; what contradicts the project last."""
    newest_elixir = [f"{line}.{patch}" for line, patch in ELIXIR_NEWEST.items()]
    choices = {
        "debian": [*HEXPM_OLDEST_OTP],
        "otp": [*reversed(OTP_NEWEST.values())],
        "elixir": [*reversed(newest_elixir)],
    }
    for key, values in choices.items():
        if key not in config.marks:
            yield from ((key, value) for value in values)
