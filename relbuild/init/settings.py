"""relbuild.yml with the values that relbuild found as comments."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from relbuild import templates
from relbuild.image.plan.plan import Plan
from relbuild.mix.toolchain.compatibility import Choice

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


def render(plan: Plan, *, release: str | None, toolchain: str | None, migrate: str | None) -> str:
    """Return the file's text; it sets release, toolchain and migrate where they are given."""
    return templates.render("init/relbuild.yml.j2", settings=_settings(plan, release, toolchain, migrate))


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
