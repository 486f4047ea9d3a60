"""Which release is in an image without labels."""

from __future__ import annotations

import pytest

from relbuild.release.boot_script import release_of_command, release_roots, releases_in

BOOT = b'#!/bin/sh\nSELF=$(readlink "$0")\nRELEASE_ROOT=..\n. "$RELEASE_ROOT/releases/start_erl.data"\n'


@pytest.mark.parametrize(
    ("words", "directory", "found"),
    [
        (("/app/bin/shop", "start"), "", ("shop", "/app")),
        (("/tini", "--", "/opt/shop/bin/shop", "start"), "/", ("shop", "/opt/shop")),
        (("bin/shop", "start"), "/home/app", ("shop", "/home/app")),
        (("./bin/shop", "start"), "/app/", ("shop", "/app")),
        (("sh", "-c", "exec /app/bin/my_app start"), "/", ("my_app", "/app")),
        (("/app/bin/server",), "/app", None),
        (("/app/bin/migrate", "&&", "/app/bin/shop"), "/app", ("shop", "/app")),
        (("/usr/bin/tini", "/usr/local/bin/start.sh"), "/app", None),
        (("/bin/sh",), "/app", None),
        (("/app/bin/shop.sh",), "/app", None),
        ((), "", None),
    ],
)
def test_by_what_starts_it(words: tuple[str, ...], directory: str, found: tuple[str, str] | None) -> None:
    assert release_of_command(words, directory) == found


def test_by_the_boot_scripts_beside() -> None:
    files = {"shop": BOOT, "server": b"#!/bin/sh\nexec ./shop start\n", "shop.bat": BOOT, "other": BOOT}
    assert releases_in(files) == ("other", "shop")


def test_where_to_look() -> None:
    assert release_roots(("/srv/x/bin/server",), "/home/app/") == ("/srv/x", "/home/app", "/app")
