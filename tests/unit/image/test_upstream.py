"""Which of the files with a secret's value no build has written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relbuild.image import upstream
from relbuild.image.leaks import Leak

DEBIAN = "# debian.sh --arch 'amd64' out/ 'trixie' '@1754956800'"
COPIES = (
    "RUN /bin/sh -c apt-get install",
    "COPY /layers/otp/ / # buildkit",
    "COPY /layers/app/ / # buildkit",
    "COPY /rootfs/ / # x",
)
BASE, APT = Leak("secret", "usr/share/x", "TOKEN", 0), Leak("secret", "usr/bin/openssl", "TOKEN", 1)
OTP, APP = Leak("secret", "app/erts-16.0/bin/beam.smp", "TOKEN", 2), Leak("secret", "app/lib/a.beam", "TOKEN", 3)
MINIMAL, BEYOND = Leak("secret", "usr/bin/sed", "TOKEN", 4), Leak("secret", "app/x", "TOKEN", 5)
OTHERS = (Leak("key", "root/id", layer=0), Leak("secret", "history", "TOKEN"), Leak("cookie", "c", layer=1))


def test_secrets_in_files_that_no_build_has_written() -> None:
    left = upstream.sifted(
        (BASE, APT, OTP, APP, MINIMAL, BEYOND, *OTHERS),
        base=1,
        instructions=(DEBIAN, *COPIES),
        is_packaged=lambda leak: leak.where == "usr/bin/openssl",
    )
    assert list(left) == [replace(OTP, certain=False), APP, replace(MINIMAL, certain=False), BEYOND, *OTHERS]


def test_where_nothing_is_known_all_secrets_are_the_builds() -> None:
    left = upstream.sifted((BASE, APT, OTP, APP), base=0, instructions=(), is_packaged=lambda _: False)
    assert list(left) == [BASE, APT, OTP, APP]


@pytest.mark.parametrize(
    ("base", "first", "count"),
    [
        (("a", "b"), "ADD file:1 in / ", 2),
        (("a",), DEBIAN, 1),
        ((), DEBIAN, 1),
        (("x",), "ADD file:1 in / ", 0),
        (("a", "x", "c"), "ADD file:1 in / ", 1),
        ((), "RUN /bin/sh -c echo '# debian.sh '", 0),
        (("a", "b", "c", "d"), DEBIAN, 3),
    ],
)
def test_the_layers_of_the_base_image(base: tuple[str, ...], first: str, count: int) -> None:
    assert upstream.base_layers(("a", "b", "c"), base, (first, "RUN x", "RUN y")) == count
    assert upstream.base_layers((), (), ()) == 0


@pytest.mark.parametrize(
    ("said", "reference"),
    [
        ({}, None),
        ({"org.opencontainers.image.base.name": "debian:trixie-slim"}, "debian:trixie-slim"),
        (
            {
                "org.opencontainers.image.base.name": "r.example.com/debian:trixie",
                "org.opencontainers.image.base.digest": "sha256:1",
            },
            "r.example.com/debian@sha256:1",
        ),
    ],
)
def test_the_base_image(said: dict[str, str], reference: str | None) -> None:
    assert upstream.base_reference(said) == reference


def test_what_dpkg_knows_of_files() -> None:
    text = b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/a b\n900150983cd24fb0d6963f7d28e17f72  lib/c\n"
    assert list(upstream.checksums(text)) == [
        ("usr/bin/a b", "d41d8cd98f00b204e9800998ecf8427e"),
        ("lib/c", "900150983cd24fb0d6963f7d28e17f72"),
    ]
    assert [upstream.packaged_as(path) for path in ("usr/lib/c", "lib/c")] == [("usr/lib/c", "lib/c"), ("lib/c",)]
