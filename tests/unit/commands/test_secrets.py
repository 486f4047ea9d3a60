"""What of the build's secrets must not be in its image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relbuild.commands import secrets
from relbuild.image.plan.credentials import GIT_CREDENTIALS, KNOWN_HOSTS, Secret


class Builder:
    def __init__(self, *all_secrets: Secret) -> None:
        self.all_secrets = all_secrets


def values(*all_secrets: Secret) -> object:
    builder: Any = Builder(*all_secrets)
    return secrets.values(builder)


def test_of_a_file_what_is_secret_in_it_not_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, npmrc = tmp_path / "ca-certificates.crt", tmp_path / "npmrc"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTAN\n-----END CERTIFICATE-----\n")
    npmrc.write_bytes(b"# \xff\n//npm.example.com/:_authToken=npm_a1b2c3d4\n")
    monkeypatch.setenv("HEX_CACERTS_PATH", str(bundle))
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(npmrc))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    names = ("HEX_CACERTS_PATH", "NPM_CONFIG_USERCONFIG", "SSL_CERT_FILE")
    found = values(*(Secret(name, "", is_file=True) for name in names))
    assert found == {"NPM_CONFIG_USERCONFIG": ("npm_a1b2c3d4",)}


def test_of_a_variable_its_value_and_what_is_secret_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    logins = "https://me:gh-a1b2c3@git.example.com\nhttps://me:gl-a1b2c3@lab.example.com\n"
    monkeypatch.setenv("HEX_MINE_KEY", "a1b2c3d4")
    monkeypatch.setenv(GIT_CREDENTIALS, logins)
    monkeypatch.delenv("UNSET", raising=False)
    assert values(*(Secret(name, "") for name in ("HEX_MINE_KEY", GIT_CREDENTIALS, "UNSET"))) == {
        "HEX_MINE_KEY": ("a1b2c3d4",),
        GIT_CREDENTIALS: (logins, "gh-a1b2c3", "gl-a1b2c3"),
    }


def test_hosts_keys_are_public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = tmp_path / "known_hosts"
    hosts.write_text(
        "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
    )
    known = Secret(KNOWN_HOSTS, "", exported=False, files=(str(hosts),))
    monkeypatch.delenv(KNOWN_HOSTS, raising=False)
    assert values(known) == {}
    monkeypatch.setenv(KNOWN_HOSTS, hosts.read_text())
    assert values(known) == {}
