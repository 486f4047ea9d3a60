"""An image's tags: the requested ones, else the release's version."""

from __future__ import annotations

import re

from relbuild.errors import Problem, ProjectError, UsageError
from relbuild.facts import Unknown
from relbuild.image.plan.plan import Plan
from relbuild.image.reference import REPOSITORY, TAG


def image_tags(plan: Plan, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the references the image gets: the requested ones, else ``IMAGE:VERSION``.

    One that starts with a colon is a tag of the plan's image. Raises UsageError for a reference Docker would refuse
    and ProjectError for a version that can't be a tag.
    """
    if asked:
        return tuple(_reference(plan, tag) for tag in asked)
    version = plan.version
    if isinstance(version, Unknown):
        return (f"{plan.image}:latest",)
    refused = untaggable_version(plan)
    if refused is not None:
        raise ProjectError.of([refused])
    return (f"{plan.image}:{version.value}",)


def untaggable_version(plan: Plan) -> Problem | None:
    """Return why the release's version can't be the image's tag, and what to do; None where it can, or isn't known."""
    version = plan.version
    if isinstance(version, Unknown) or TAG.fullmatch(version.value):
        return None
    return Problem(
        f"version {version.value!r} can't be an image's tag: a tag is letters, digits, '_', '.' and '-'",
        version.at,
        f"name one: relbuild image -t {plan.image}:{re.sub(r'[^A-Za-z0-9_.-]', '-', version.value)}",
    )


def _reference(plan: Plan, asked: str) -> str:
    reference = f"{plan.image}{asked}" if asked.startswith(":") else asked
    repository, tag = split_reference(reference)
    if not REPOSITORY.fullmatch(repository) or not TAG.fullmatch(tag):
        raise UsageError(
            f"{asked!r} is no image reference",
            hint=f"write -t NAME:TAG, such as {plan.image}:1.0, or -t :TAG for a tag of {plan.image}",
        )
    return f"{repository}:{tag}"


def split_reference(reference: str) -> tuple[str, str]:
    """Split ``registry:5000/name:tag`` into repository and tag; ``latest`` where there is none."""
    head, slash, last = reference.rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{head}{slash}{name}", tag if colon else "latest"
