"""relbuild.yml with the values that relbuild found as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from relbuild import templates
from relbuild.image.plan.plan import Plan
from relbuild.mix.environment.contract import Contract, Variable
from relbuild.mix.toolchain.compatibility import Choice

TargetEngine: TypeAlias = Literal["host", "swarm", "kubernetes"]
# The port on which Phoenix listens where nothing sets another.
_PORT = 4000
# Plain scalars that YAML reads as the same text.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./()-]*(?::[0-9]+/[A-Za-z0-9_./-]+)?|[0-9]+(?:\.[0-9]+)+(?:-[a-z0-9.]+)?")
# Words that a YAML reader may read as another type, in any case.
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of relbuild.yml with its value and a comment; `decided` when it isn't commented out."""

    key: str
    value: str
    comment: tuple[str, ...]
    decided: bool = False


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """A target with what the release requires; ``env`` are variables with a value, None for one that a user sets.

    ``port`` is the one that the release listens on, None where it is unknown.
    """

    engine: TargetEngine
    port: int | None
    secrets: tuple[str, ...]
    env: Mapping[str, str | None]
    complete: bool

    @classmethod
    def of(cls, engine: TargetEngine, contract: Contract) -> TargetSettings:
        """Return the settings of a target for a release with this contract."""
        port = next((each for each in contract.variables if each.name == "PORT"), None)
        default = (port.shown_default or "") if port is not None else ""
        listens = None if port is None else int(default) if default.isdigit() else _PORT
        required = contract.of("required")
        secrets = tuple(each.name for each in required if _is_secret(each))
        env = {each.name: None for each in required if not _is_secret(each)}
        given = {"PORT": str(listens)} if "PORT" in env else {}
        return cls(engine, listens, secrets, {**env, **given}, not contract.possibly_more)


def _is_secret(variable: Variable) -> bool:
    """Return whether a variable looks secret by its name, or is an address that may carry a password."""
    address = variable.use is not None and variable.use.kind in ("url", "dsn")
    return variable.secret or address or variable.name.endswith(("_URL", "_URI"))


def render(
    plan: Plan, *, release: str | None, toolchain: str | None, migrate: str | None, target: TargetSettings | None = None
) -> str:
    """Return the file's text; it sets release, toolchain, migrate and a target where they are given."""
    settings = _settings(plan, release, toolchain, migrate)
    given = None if target is None else render_target(target)
    return templates.render("init/relbuild.yml.j2", settings=settings, target=given)


def render_target(target: TargetSettings) -> str:
    """Return the lines of relbuild.yml that define a target."""
    return templates.render("init/target.yml.j2", target=target)


def _settings(plan: Plan, release: str | None, toolchain: str | None, migrate: str | None) -> list[Setting]:
    at = plan.release.at
    found = [
        Setting("release", scalar(plan.release.name), (f"The release to build ({at.brief}).",), release is not None),
        Setting(
            "image",
            scalar(plan.image),
            ("The image's name, with its registry when it is pushed: registry.example.com/shop.",),
        ),
        Setting(
            "toolchain",
            plan.toolchain.provider,
            ("Where Elixir and Erlang/OTP come from: hexpm, official, debian, source or image.",),
            toolchain is not None,
        ),
        *_versions(plan),
    ]
    if migrate is not None:
        comment = ("Each of these functions migrates the repositories of its application.",)
        found.append(Setting("migrate", scalar(migrate), comment, decided=True))
    elif plan.migrate is not None:
        at = plan.migrate.at
        comment = (f"The expression that `relbuild migrate` evaluates ({at.brief}).",)
        found.append(Setting("migrate", scalar(plan.migrate.value), comment))
    return found


def _versions(plan: Plan) -> list[Setting]:
    tools = plan.toolchain
    choices: tuple[tuple[str, str, Choice | None], ...] = (
        ("elixir", "The version of Elixir", tools.elixir),
        ("otp", "The version of Erlang/OTP", tools.otp),
        ("debian", "The Debian release of builder and runner", tools.debian),
    )
    found = []
    for key, what, choice in choices:
        if choice is not None:
            found.append(Setting(key, scalar(choice.value), (f"{what}: {choice.source}.",)))
    return found


def scalar(text: str) -> str:
    """Return a text as a YAML scalar: plain where that is safe, else in double quotes."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
