"""Facts of an image → findings, each with its mending."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relbuild.image import checks
from relbuild.image.checks import Facts
from relbuild.image.findings import Finding
from relbuild.image.leaks import Leak
from relbuild.image.linking import Unlinked
from relbuild.image.shipped import Shipped
from relbuild.image.trials import Boot, Ran, Start, Trials

NIF, CRYPTO = "app/lib/nif-1.0/priv/nif.so", "app/lib/crypto-5.5/priv/lib/crypto.so"
TRIALS = Trials(Ran(0, "shop 1.0.0\n"), Ran(0, "relbuild_evaluates\n"), None, Boot(0, 1.25, ""))
GOOD = Facts(
    shipped=Shipped("shop", "/app", "1.0.0"),
    own=True,
    user="10001:10001",
    uid=10001,
    debian="trixie",
    programs=28,
    unlinked=(),
    leaks=(),
    trials=TRIALS,
    start=Start(stop_timeout=30),
)


def found(facts: Facts, check: str) -> list[Finding]:
    return [finding for finding in checks.check(facts) if finding.check == check]


def test_an_image_that_is_well() -> None:
    assert checks.check(GOOD) == (
        Finding("libraries", "ok", "28 programs and shared objects find what they are linked to"),
        Finding("user", "ok", "it runs as 10001:10001"),
        Finding("commands", "ok", "version and eval work"),
        Finding(
            "boot",
            "ok",
            "it boots on a read-only root, and SIGTERM ends it in 1.2 s, without the second that the VM waits at its "
            "end",
        ),
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
                "[PACKAGE]}; apt-file search libfoo2.so.3 tells which it is",
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
                "apt-file search libfoo.so.3 tells which it is",
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
                "builder and runner must be of the same distribution's release: debian: in relbuild.yml decides both; "
                "a precompiled NIF made on a newer one has to be compiled in the build",
            ),
        ),
        (
            False,
            (OLDER,),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs GLIBC_2.38, GLIBC_2.41 of /usr/lib/libc.so.6, which is older",
                "builder and runner must be of the same distribution's release; "
                "a precompiled NIF made on a newer one has to be compiled in the build",
            ),
        ),
        (
            True,
            (Unlinked("library", NIF, NIF, ("libc.musl-x86_64.so.1",)),),
            Finding(
                "libraries",
                "failed",
                f"/{NIF} needs libc.musl-x86_64.so.1, which the image doesn't have",
                "it was made for Alpine (musl): have it compiled in the build, or for Debian (glibc)",
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
                f"/{NIF}: built for another machine (AARCH64)",
                "nothing is to be done where the dependency brings it for several; else leave _build and deps to the "
                ".dockerignore",
            ),
        ),
    ],
)
def test_libraries(own: bool, unlinked: tuple[Unlinked, ...], expected: Finding) -> None:
    first, *rest = found(replace(GOOD, own=own, unlinked=unlinked), "libraries")
    assert first == expected
    others = "the other 27 programs and shared objects find what they are linked to"
    assert rest == ([] if expected.status == "failed" else [Finding("libraries", "ok", others)])


@pytest.mark.parametrize(
    ("user", "uid", "status", "message"),
    [
        ("", 0, "failed", "it runs as root: it names no user"),
        ("root", 0, "failed", "it runs as root"),
        ("app", None, "failed", "it runs as app, whom /etc/passwd in the image doesn't know"),
        ("nobody", 65534, "ok", "it runs as nobody"),
    ],
)
def test_the_user(user: str, uid: int | None, status: str, message: str) -> None:
    [finding] = found(replace(GOOD, user=user, uid=uid), "user")
    assert (finding.status, finding.message) == (status, message)
    assert (finding.mending is None) == (status == "ok")


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
            Leak("secret", "app/erts-16.0/bin/beam.smp", "HEX_KEY", 4, certain=False),
            True,
            "warning",
            "/app/erts-16.0/bin/beam.smp has the value of the build's secret HEX_KEY in it",
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
    [finding] = found(replace(GOOD, own=own, leaks=(leak,)), "secrets")
    assert (finding.status, finding.message) == (status, message)
    assert finding.mending


def test_a_file_is_left_out_where_the_image_is_described() -> None:
    leak = Leak("env file", "app/.env", layer=2)
    mendings = [found(replace(GOOD, own=own, leaks=(leak,)), "secrets")[0].mending for own in (True, False)]
    assert mendings == [
        "leave it out: builder: {ignore: [PATH]} in relbuild.yml",
        "leave it out: name it in .dockerignore, or don't COPY it in the Dockerfile",
    ]


@pytest.mark.parametrize(
    ("size", "previous", "status", "message"),
    [
        (40_200_000, None, "note", "40.2 MB compressed"),
        (40_200_000, ("shop:1", 40_200_000), "note", "40.2 MB compressed, the same as shop:1"),
        (40_200_000, ("shop:1", 40_195_000), "note", "40.2 MB compressed, 5.0 kB more than shop:1"),
        (40_200_000, ("shop:1", 50_200_000), "note", "40.2 MB compressed, 10.0 MB less than shop:1"),
        (90_000_000, ("shop:1", 40_000_000), "warning", "90.0 MB compressed, 50.0 MB more than shop:1"),
        (530_000_000, ("shop:1", 500_000_000), "note", "530.0 MB compressed, 30.0 MB more than shop:1"),
        (2_000_000, ("shop:1", 1_000_000), "note", "2.0 MB compressed, 1.0 MB more than shop:1"),
    ],
)
def test_the_size(size: int, previous: tuple[str, int] | None, status: str, message: str) -> None:
    finding = checks.size(size, previous, compressed=True)
    assert (finding.check, finding.status, finding.message) == ("size", status, message)
    uncompressed = checks.size(size, previous, compressed=False)
    assert uncompressed.message == message.replace("compressed", "uncompressed")
