"""What of a file is secret, and what is public."""

from __future__ import annotations

import pytest

from relbuild.image.verify.secrets import secret_parts

BODY = ("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg", "C7VJTUt9Us8cKjMzEfYyjiWA4R4=")
CERTIFICATE = (
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTAN\ntoken=abcdefgh12345678\n-----END CERTIFICATE-----\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # npm, Yarn, Bun
        ("registry=https://npm.example.com/\n//npm.example.com/:_authToken=npm_a1b2c3d4\n", ("npm_a1b2c3d4",)),
        ('//npm.example.com/:_password="cGFzc3dvcmQ="\n//npm.example.com/:username=me\n', ("cGFzc3dvcmQ=",)),
        ("_auth = bWU6cGFzc3dvcmQ=\nalways-auth=true\nemail=me@example.com\n", ("bWU6cGFzc3dvcmQ=",)),
        ("//npm.example.com/:_authToken=${NPM_TOKEN}\n", ()),
        ("npmScopes:\n  mine:\n    npmAuthToken: 'yarn-a1b2c3'\n    npmAlwaysAuth: true\n", ("yarn-a1b2c3",)),
        ('mine = { token = "bun-a1b2c3", url = "https://npm.example.com/" }\n', ("bun-a1b2c3",)),
        # netrc, git's credentials, JSON
        ("machine hex.example.com login me password n3trc-pass\n", ("n3trc-pass",)),
        ("machine hex.example.com\n  login me\n  password n3trc-pass\n", ("n3trc-pass",)),
        ("https://me:gh-a1b2c3@git.example.com\n", ("gh-a1b2c3",)),
        ('{"auths": {"r.example.com": {"auth": "bWU6cGFzcw=="}}}', ("bWU6cGFzcw==",)),
        # What stands in files of others as well.
        ("ecto://postgres:postgres@localhost/shop", ()),
        ("# the password should be given\npassword = yours\n", ()),
        (CERTIFICATE * 2, ()),
        (f"# Issuer: CN=Example Root\n{CERTIFICATE}", ()),
        ("git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n", ()),
        ("", ()),
    ],
)
def test_settings(text: str, expected: tuple[str, ...]) -> None:
    assert secret_parts(text) == expected


@pytest.mark.parametrize("between", ["\n", "\r\n", "\\n"])
@pytest.mark.parametrize("headers", ["", "Proc-Type: 4,ENCRYPTED{0}DEK-Info: AES-128-CBC,00{0}{0}"])
def test_private_keys(between: str, headers: str) -> None:
    body = between.join(BODY)
    key = f"-----BEGIN EC PRIVATE KEY-----{between}{headers.format(between)}{body}{between}-----END EC PRIVATE KEY-----"
    assert secret_parts(f"{CERTIFICATE}{key}\n{CERTIFICATE}") == tuple(each.join(BODY) for each in ("\n", "\\n", ""))
