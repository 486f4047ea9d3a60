"""Every Debian package that dependencies are said to need is there, in each Debian release that the engine has."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.errors import Mark
from relbuild.image.package_table import PACKAGES
from relbuild.image.packages import needs, to_build, to_run
from relbuild.mix.resolved import Resolved


@pytest.mark.parametrize("debian", ["bookworm", "trixie"])
def test_debian_has_what_dependencies_are_said_to_need(docker: Any, labels: tuple[str, ...], debian: str) -> None:
    every = [Resolved(name, name, Mark("mix.lock", 1), "hexpm") for name in PACKAGES]
    # With every switch, so that what brings its code compiled counts too.
    switches = {entry.switch[0]: entry.switch[1][0] for entry in PACKAGES.values() if entry.switch is not None}
    found = needs(every, debian, switches)
    named = {*to_build(found), *to_run(found)}
    missing = {name for need in found for name in need.missing}
    script = "apt-get update >/dev/null && apt-cache show \"$@\" 2>/dev/null | sed -n 's/^Package: //p'"
    argv = ("run", "--rm", *labels, f"debian:{debian}-slim", "sh", "-c", script, "sh", *sorted(named | missing))
    there = set(docker(*argv).split())
    assert (named - there, missing & there) == (set(), set())
