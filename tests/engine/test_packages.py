"""Every Debian package that dependencies and programs are said to need is there, in each release of the tests."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.errors import Mark
from relbuild.image.plan.packages import (
    available_packages,
    builder_packages,
    package_needs,
    package_table,
    runner_packages,
)
from relbuild.mix.lock import Resolved

RELEASES = ["bookworm", "trixie", "forky"]


@pytest.mark.parametrize("debian", RELEASES)
def test_debian_has_what_is_said_to_be_needed(docker: Any, labels: tuple[str, ...], debian: str) -> None:
    known = package_table()
    every = [Resolved(name, name, Mark("mix.lock", 1), "hexpm") for name in known.packages]
    # With every switch, so that what brings its code compiled counts too.
    entries = known.packages.values()
    switches = {entry.switch.variable: entry.switch.values[0] for entry in entries if entry.switch is not None}
    found = package_needs(every, debian, switches)
    used = [name for entry in entries for use in entry.uses for name in use.runner]
    installed, absent = available_packages((*used, *known.programs.values()), debian)
    named = {*builder_packages(found), *runner_packages(found), *installed, *known.present.values()}
    missing = {name for need in found for name in need.missing} | set(absent)
    script = "apt-get update >/dev/null && apt-cache show \"$@\" 2>/dev/null | sed -n 's/^Package: //p'"
    argv = ("run", "--rm", *labels, f"debian:{debian}-slim", "sh", "-c", script, "sh", *sorted(named | missing))
    there = set(docker(*argv).split())
    assert (named - there, missing & there) == (set(), set())


@pytest.mark.parametrize("debian", RELEASES)
def test_a_slim_image_has_the_programs_that_are_said_to_be_there(
    docker: Any, labels: tuple[str, ...], debian: str
) -> None:
    script = 'for name; do command -v "$name" >/dev/null || echo "$name"; done'
    argv = (
        "run",
        "--rm",
        *labels,
        f"debian:{debian}-slim",
        "bash",
        "-c",
        script,
        "bash",
        *sorted(package_table().present),
    )
    assert docker(*argv) == ""
