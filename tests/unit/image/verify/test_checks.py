"""Facts of an image → findings, each with its hint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relbuild.image.findings import Finding
from relbuild.image.verify.boot import TrialSetup
from relbuild.image.verify.checks import CheckedImage, check_image
from relbuild.image.verify.libraries import Unlinked
from relbuild.image.verify.secrets import Leak
from relbuild.image.verify.trial import Boot

NIF, CRYPTO = "app/lib/nif-1.0/priv/nif.so", "app/lib/crypto-5.5/priv/lib/crypto.so"
GOOD = CheckedImage(
    user="10001:10001",
    uid=10001,
    debian="trixie",
    programs=28,
    unlinked=(),
    leaks=(),
    boot=Boot("", 0, "booted", 1.25),
    setup=TrialSetup(stop_timeout=30),
)
FOREIGN = replace(GOOD, setup=replace(GOOD.setup, own=False))


def found(facts: CheckedImage, check: str) -> list[Finding]:
    return [finding for finding in check_image(facts) if finding.check == check]


def test_an_image_that_is_well() -> None:
    assert check_image(GOOD) == (
        Finding("libraries", "ok", "28 programs and shared objects find the libraries they are linked to"),
        Finding("user", "ok", "it runs as 10001:10001"),
        Finding("boot", "ok", "it boots on a read-only root; SIGTERM stops it in 1.2 s"),
        Finding("secrets", "ok", "no secret, private key or .env in any layer, history, label or environment"),
    )


MISSING = Unlinked("library", NIF, NIF, ("libexpat.so.1",))
OLDER = Unlinked("version", NIF, NIF, ("GLIBC_2.38", "GLIBC_2.41"), "usr/lib/libc.so.6")


@pytest.mark.parametrize(
    ("own", "unlinked", "expected"),
    [
        (
            True,
            (MISSING,),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs libexpat.so.1, which the image doesn't have",
                "add to relbuild.yml: runner: {packages: [libexpat1]}",
            ),
        ),
        (
            False,
            (MISSING, replace(MISSING, file=CRYPTO, by=CRYPTO)),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} and 1 more need libexpat.so.1, which the image doesn't have",
                "install libexpat1 in the Dockerfile's last stage",
            ),
        ),
        (
            True,
            (replace(MISSING, missing=("libfoo2.so.3",)),),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs libfoo2.so.3, which the image doesn't have",
                "add the package that has libfoo2.so.3, perhaps libfoo2-3, to relbuild.yml: runner: {packages: "
                "[PACKAGE]}; apt-file search libfoo2.so.3 names it",
            ),
        ),
        (
            False,
            (replace(MISSING, missing=("libfoo.so.3",)),),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs libfoo.so.3, which the image doesn't have",
                "install the package that has libfoo.so.3, perhaps libfoo3, in the Dockerfile's last stage; "
                "apt-file search libfoo.so.3 names it",
            ),
        ),
        (
            True,
            (replace(MISSING, by="usr/lib/libvips.so.42", missing=("libunknown-",)),),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs libunknown-, which the image doesn't have (through /usr/lib/libvips.so.42)",
                "add to relbuild.yml: runner: {packages: [THE PACKAGE THAT HAS IT]}",
            ),
        ),
        (
            True,
            (replace(MISSING, file="app/lib/wx-2.4/priv/wxe_driver.so"),),
            Finding(
                "libraries",
                "warning",
                "/app/lib/wx-2.4/priv/wxe_driver.so needs libexpat.so.1, which the image doesn't have "
                f"(through /{NIF})",
                "add to relbuild.yml: runner: {packages: [libexpat1]}",
            ),
        ),
        (
            True,
            (OLDER,),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs GLIBC_2.38, GLIBC_2.41 of /usr/lib/libc.so.6, which is older",
                "builder and runner must have the same Debian release: debian: in relbuild.yml sets both; compile a "
                "precompiled NIF from a newer one in the build",
            ),
        ),
        (
            False,
            (OLDER,),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs GLIBC_2.38, GLIBC_2.41 of /usr/lib/libc.so.6, which is older",
                "builder and runner must have the same Debian release; compile a precompiled NIF from a newer one in "
                "the build",
            ),
        ),
        (
            True,
            (Unlinked("library", NIF, NIF, ("libc.musl-x86_64.so.1",)),),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs libc.musl-x86_64.so.1, which the image doesn't have",
                "it was compiled for Alpine (musl): compile it in the build, or for Debian (glibc)",
            ),
        ),
        (
            True,
            (Unlinked("interpreter", NIF, NIF, ("/lib64/ld-linux-x86-64.so.2",)),),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs /lib64/ld-linux-x86-64.so.2 to start, which the image doesn't have",
                "add to relbuild.yml: runner: {packages: [THE PACKAGE THAT HAS IT]}",
            ),
        ),
        (
            True,
            (Unlinked("machine", NIF, NIF, ("EM_AARCH64",)),),
            Finding(
                "libraries",
                "warning",
                f"/{NIF}: compiled for another machine (AARCH64)",
                "nothing is wrong where a dependency ships it for several machines; else exclude _build and deps in "
                "the .dockerignore",
            ),
        ),
    ],
)
def test_libraries(own: bool, unlinked: tuple[Unlinked, ...], expected: Finding) -> None:
    first, *rest = found(replace(GOOD if own else FOREIGN, unlinked=unlinked), "libraries")
    assert first == expected
    others = "the other 27 programs and shared objects find the libraries they are linked to"
    assert rest == ([] if expected.status == "failed" else [Finding("libraries", "ok", others)])


@pytest.mark.parametrize(
    ("user", "uid", "status", "message"),
    [
        ("", 0, "failed", "it runs as root: the Dockerfile has no USER"),
        ("root", 0, "failed", "it runs as root"),
        ("app", None, "failed", "it runs as app, which the image's /etc/passwd doesn't have"),
        ("nobody", 65534, "ok", "it runs as nobody"),
    ],
)
def test_the_user(user: str, uid: int | None, status: str, message: str) -> None:
    [finding] = found(replace(GOOD, user=user, uid=uid), "user")
    assert (finding.status, finding.message) == (status, message)
    assert (finding.hint is None) == (status == "ok")


@pytest.mark.parametrize(
    ("leak", "own", "status", "message"),
    [
        (
            Leak("secret", "app/x.beam", "HEX_KEY", 4),
            True,
            "failed",
            "/app/x.beam holds the value of the build's secret HEX_KEY",
        ),
        (
            Leak("key", "root/.ssh/id", layer=2, deleted=True),
            True,
            "failed",
            "/root/.ssh/id (deleted in a later layer, but still shipped) holds a private key",
        ),
        (Leak("env file", "app/.env", layer=2), False, "failed", "/app/.env is a file of variables"),
        (
            Leak("cookie", "app/releases/COOKIE", layer=2),
            True,
            "failed",
            "/app/releases/COOKIE: whoever has the image has the cookie of its nodes",
        ),
        (
            Leak("cookie", "app/releases/COOKIE", layer=2),
            False,
            "warning",
            "/app/releases/COOKIE: whoever has the image has the cookie of its nodes",
        ),
        (
            Leak("variable", "environment", "API_KEY", certain=False),
            True,
            "warning",
            "environment: API_KEY is named like a secret, and everyone who has the image can read it",
        ),
        (
            Leak("url", "environment", "DATABASE_URL"),
            True,
            "failed",
            "environment: DATABASE_URL holds a password, and everyone who has the image can read it",
        ),
    ],
)
def test_leaks(leak: Leak, own: bool, status: str, message: str) -> None:
    [finding] = found(replace(GOOD if own else FOREIGN, leaks=(leak,)), "secrets")
    assert (finding.status, finding.message) == (status, message)
    assert finding.hint


def test_a_file_is_left_out_where_the_image_is_described() -> None:
    leak = Leak("env file", "app/.env", layer=2)
    hints = [found(replace(GOOD if own else FOREIGN, leaks=(leak,)), "secrets")[0].hint for own in (True, False)]
    assert hints == [
        "leave it out: builder: {ignore: [PATH]} in relbuild.yml",
        "leave it out: name it in .dockerignore, or don't COPY it in the Dockerfile",
    ]
