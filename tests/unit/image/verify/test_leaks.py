"""What must not be in an image."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.filesystem import Entry
from relbuild.image.verify import secrets
from relbuild.image.verify.secrets import (
    Leak,
    Needles,
    configuration_leaks,
    has_cookie,
    private_keys,
    secret_files,
    sets_cookie,
)

KEY = b"-----BEGIN %s-----\n%sMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END-----\n"


@pytest.mark.parametrize("kind", [b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"OPENSSH PRIVATE KEY"])
@pytest.mark.parametrize("headers", [b"", b"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"])
def test_private_keys(kind: bytes, headers: bytes) -> None:
    content = b"x" * 100 + KEY % (kind, headers)
    assert list(private_keys(content)) == [100]
    assert list(private_keys(content.replace(b"\n", b"\r\n"))) == [100]


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN RSA PRIVATE KEY-----",
        b'pem_start("RSA") -> <<"-----BEGIN RSA PRIVATE KEY-----">>;',
        b"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
        KEY.replace(b"%s-----", b"CERTIFICATE-----", 1) % b"",
        KEY.replace(b"%s-----", b"PUBLIC KEY-----", 1) % b"",
        b"PRIVATE KEY-----" * 50,
    ],
)
def test_what_only_mentions_a_private_key(content: bytes) -> None:
    assert list(private_keys(content)) == []


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_key_is_found_wherever_it_stands(before: bytes, after: bytes) -> None:
    content = before + b"\n" + KEY % (b"PRIVATE KEY", b"") + after
    assert len(before) + 1 in list(private_keys(content))


def test_the_values_of_secrets() -> None:
    needles = Needles({"A": ("  s3cret-value-a\n",), "SHORT": ("abc",), "B": ("s3cret-value-b",)})
    assert list(needles.in_bytes(b"s3cret-value-b s3cret-value-a s3cret-value-a abc")) == [
        (15, "A"),
        (30, "A"),
        (0, "B"),
    ]
    assert list(needles.in_text("é s3cret-value-a s3cret-value-a")) == ["A"]
    assert (bool(needles), bool(Needles({"SHORT": ("abc",), "WORD": ("some-password",)}))) == (True, False)


def beam(literals: bytes, *, packed: bool = True) -> bytes:
    chunk = len(literals).to_bytes(4) + zlib.compress(literals) if packed else b"\0" * 4 + literals
    parts = [b"AtU8" + (3).to_bytes(4) + b"abc\0", b"LitT" + len(chunk).to_bytes(4) + chunk]
    return b"FOR1" + (4 + sum(map(len, parts))).to_bytes(4) + b"BEAM" + b"".join(parts)


@pytest.mark.parametrize("packed", [True, False])
def test_secrets_in_a_compiled_modules_literals(packed: bool) -> None:
    needles = Needles({"A": ("s3cret-value-a",)})
    assert list(needles.in_beam(beam(b"... s3cret-value-a s3cret-value-a", packed=packed))) == ["A"]
    assert list(needles.in_beam(beam(b"...", packed=packed))) == []


@pytest.mark.parametrize("packed", [True, False])
def test_secrets_in_a_compressed_module(packed: bool) -> None:
    """Its literals, and what else stands in it, such as a binary's pattern."""
    needles = Needles({"A": ("s3cret-value-a",), "B": ("s3cret-value-b",)})
    module = beam(b"... s3cret-value-a", packed=packed)
    assert list(needles.in_beam(gzip.compress(module))) == ["A"]
    assert list(needles.in_beam(gzip.compress(module + b"s3cret-value-b"))) == ["A", "B"]
    assert list(needles.in_beam(gzip.compress(beam(b"...", packed=packed)))) == []
    assert list(needles.in_beam(gzip.compress(b"no module: s3cret-value-a"))) == []


def test_a_compressed_module_is_unpacked_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "LARGEST_MODULE", 1000)
    module = beam(b"s3cret-value-a", packed=False) + b"\0" * 100_000 + b"s3cret-value-b"
    assert list(Needles({"A": ("s3cret-value-a",), "B": ("s3cret-value-b",)}).in_beam(gzip.compress(module))) == ["A"]


@given(st.binary(max_size=60), st.integers(0, 80))
def test_a_broken_compressed_module_has_no_secrets(rest: bytes, size: int) -> None:
    assert list(Needles({"A": ("s3cret-value-a",)}).in_beam(b"\x1f\x8b" + rest)) == []
    assert list(Needles({"A": ("s3cret-value-a",)}).in_beam(gzip.compress(beam(rest))[:size])) in ([], ["A"])


@given(st.binary(max_size=60))
def test_a_broken_module_has_no_literals(rest: bytes) -> None:
    assert list(Needles({"A": ("s3cret-value-a",)}).in_beam(b"FOR1" + rest)) in ([], ["A"])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app/releases/COOKIE", "cookie"),
        ("elsewhere/releases/COOKIE", None),
        (".env", "env file"),
        ("app/.env", "env file"),
        ("app/lib/shop-1/priv/.env.production", "env file"),
        ("app/.env.example", None),
        ("app/.envrc", None),
        ("app/x.env", None),
        ("usr/lib/python3/.env", None),
    ],
)
def test_what_a_files_name_gives_away(path: str, kind: str | None) -> None:
    found = list(secret_files({path: Entry("file", 5)}, 3, "app"))
    assert found == ([Leak(kind, path, layer=3)] if kind else [])  # type: ignore[arg-type]
    assert list(secret_files({path: Entry("file", 0)}, 3, "app")) == []


def test_the_configuration() -> None:
    env = {
        "PATH": "/bin",
        "SECRET_KEY_BASE": "x",
        "RELEASE_COOKIE": "",
        "DATABASE_URL": "ecto://user:pass@db/shop",
        "REDIS_URL": "redis://localhost",
        "STRIPE_API_KEY": "sk",
        "TOKEN_FILE": "/run/secrets/token",
        "MIX": "has s3cret-value-a",
    }
    history = ["RUN |2 NPM_TOKEN=abc OTHER= /bin/sh -c npm ci", "COPY . .", "RUN echo s3cret-value-a"]
    found = configuration_leaks(env, history, ["s3cret-value-a"], Needles({"A": ("s3cret-value-a",)}))
    assert list(found) == [
        Leak("variable", "environment", "SECRET_KEY_BASE"),
        Leak("url", "environment", "DATABASE_URL"),
        Leak("variable", "environment", "STRIPE_API_KEY", certain=False),
        Leak("secret", "environment: MIX", "A"),
        Leak("variable", "history", "NPM_TOKEN", certain=False),
        Leak("secret", "history", "A"),
        Leak("secret", "label", "A"),
    ]


def test_cookies_in_vm_args() -> None:
    assert has_cookie(b"+Q 65536\n-setcookie abc\n")
    assert not has_cookie(b"## -setcookie abc\n+Q 65536\n")


@pytest.mark.parametrize(
    "line",
    [
        "export RELEASE_COOKIE=mybakedcookie999",
        "RELEASE_COOKIE='my$cookie'; export RELEASE_COOKIE",
        'if [ -z "${RELEASE_COOKIE:-}" ]; then export RELEASE_COOKIE="baked"; fi',
        '[ -n "$RELEASE_COOKIE" ] || export RELEASE_COOKIE=baked # for now',
        "  export RELEASE_DISTRIBUTION=name RELEASE_COOKIE=baked",
        'case $RELEASE_COMMAND in start*) RELEASE_COOKIE="baked" ;; esac',
        'export RELEASE_COOKIE="${RELEASE_COOKIE:-baked}"',
        "export RELEASE_COOKIE=${CLUSTER_COOKIE-baked}",
        ': "${RELEASE_COOKIE:=baked}"',
    ],
)
def test_a_cookie_in_env_sh(line: str) -> None:
    assert sets_cookie(f"#!/bin/sh\n{line}\nexport RELEASE_NODE=a\n".encode())


@pytest.mark.parametrize(
    "line",
    [
        "# export RELEASE_COOKIE=mybakedcookie999",
        "export RELEASE_NODE=a # RELEASE_COOKIE=given where it runs",
        'echo "give RELEASE_COOKIE=something, with --env" >&2',
        "export RELEASE_COOKIE",
        "export RELEASE_COOKIE=",
        'export RELEASE_COOKIE=""',
        "unset RELEASE_COOKIE; export OTHER_RELEASE_COOKIE=abc",
        'export RELEASE_COOKIE="${RELEASE_COOKIE:-$(od -An -N24 -tx1 /dev/urandom | tr -d " ")}"',
        'export RELEASE_COOKIE="${RELEASE_COOKIE:-}"',
        'export RELEASE_COOKIE="${RELEASE_COOKIE:?give it}"',
        ': "${RELEASE_COOKIE:?give it}" "${RELEASE_COOKIE:=$CLUSTER_COOKIE}"',
        "export RELEASE_COOKIE=$CLUSTER_COOKIE",
        "RELEASE_COOKIE=`cat /run/secrets/cookie`",
        'RELEASE_COOKIE="$(cat "/run/secrets/cookie")"',
        "RELEASE_COOKIE=$(cat /run/secrets/cookie)",
        'RELEASE_COOKIE="$(< /run/secrets/cookie)"',
        'if [ "${RELEASE_COOKIE:-none}" = none ]; then exit 1; fi',
    ],
)
def test_an_env_sh_that_holds_no_cookie(line: str) -> None:
    assert not sets_cookie(f"#!/bin/sh\n{line}\nexport RELEASE_NODE=a\n".encode())


@pytest.mark.parametrize("name", ["rel/env.sh.eex.j2", "scripts/cookie.sh"])
def test_relbuilds_own_env_sh_holds_no_cookie(name: str) -> None:
    assert not sets_cookie((Path(secrets.__file__).parents[3] / "dockerfiles" / name).read_bytes())


def test_no_file_of_relbuilds_own_looks_like_a_key() -> None:
    found = [path for path in Path(secrets.__file__).parents[1].rglob("*.py") if list(private_keys(path.read_bytes()))]
    assert found == []
