"""All that is known of an image, judged: findings, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relbuild.image.findings import Finding
from relbuild.image.verify.boot import TrialSetup, judge_boot
from relbuild.image.verify.libraries import Unlinked, judge_libraries
from relbuild.image.verify.secrets import Leak, judge_leaks
from relbuild.image.verify.trial import Boot


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """What is known of an image.

    ``uid`` is None for a user that the image's /etc/passwd doesn't have, ``debian`` the codename of its distribution's
    release, ``programs`` how many ELF files the release has, ``setup`` what its trial ran with.
    """

    user: str
    uid: int | None
    debian: str | None
    programs: int
    unlinked: tuple[Unlinked, ...]
    leaks: tuple[Leak, ...]
    boot: Boot
    setup: TrialSetup


def check_image(facts: CheckedImage) -> tuple[Finding, ...]:
    """Return the findings, by check."""
    own = facts.setup.own
    return (
        *judge_libraries(facts.unlinked, facts.programs, facts.debian, own=own),
        *_user(facts),
        *judge_boot(facts.boot, facts.setup),
        *judge_leaks(facts.leaks, own=own),
    )


def _user(facts: CheckedImage) -> Iterator[Finding]:
    if facts.uid == 0:
        why = "" if facts.user else ": the Dockerfile has no USER"
        yield Finding(
            "user", "failed", f"it runs as root{why}", "add USER 10001:10001 to the last stage of the Dockerfile"
        )
    elif facts.uid is None:
        yield Finding(
            "user",
            "failed",
            f"it runs as {facts.user}, which the image's /etc/passwd doesn't have",
            "name the user by number: USER 10001:10001",
        )
    else:
        yield Finding("user", "ok", f"it runs as {facts.user}")
