"""Package URLs, by the examples of purl-spec where it has some."""

from __future__ import annotations

import pytest

from relbuild.errors import Mark
from relbuild.image.inspect.contents import DebianPackage, Distribution
from relbuild.image.inspect.package_urls import OTP, application_purl, debian_purl, locked_purl
from relbuild.mix.lock import Locked

AT = Mark("mix.lock", 1)


@pytest.mark.parametrize(
    ("package", "version", "repository", "address", "url"),
    [
        ("jason", "1.1.2", "hexpm", None, "pkg:hex/jason@1.1.2"),
        ("foo", "2.3.0", "hexpm:Acme", None, "pkg:hex/acme/foo@2.3.0"),
        ("a", "1.0.0-rc.1+b2", "hexpm", None, "pkg:hex/a@1.0.0-rc.1%2Bb2"),
        (
            *("bar_pkg", "1.2.3", "own", "https://myrepo.example.com"),
            "pkg:hex/bar_pkg@1.2.3?repository_url=https://myrepo.example.com",
        ),
        # hex.pm may have another package of this name.
        ("bar_pkg", "1.2.3", "own", None, "pkg:otp/bar@1.2.3"),
    ],
)
def test_hex(package: str, version: str, repository: str, address: str | None, url: str) -> None:
    assert locked_purl(Locked("bar", AT, "hex", package, version, repository), "1.2.3", address) == url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://github.com/Acme/Tool.git", "pkg:github/acme/tool@f00"),
        ("git@github.com:acme/tool.git", "pkg:github/acme/tool@f00"),
        ("ssh://git@github.com/acme/tool", "pkg:github/acme/tool@f00"),
        ("https://github.com/acme/a.b.git", "pkg:github/acme/a.b@f00"),
        (
            "https://git.example.com/x/tool.git",
            "pkg:otp/tool@1.2.0?vcs_url=git%2Bhttps://git.example.com/x/tool.git%40f00",
        ),
        (
            "git@example.com:x/tool.git",
            "pkg:otp/tool@1.2.0?vcs_url=git%2Bssh://git%40example.com/x/tool.git%40f00",
        ),
        (
            "https://notgithub.com/acme/tool",
            "pkg:otp/tool@1.2.0?vcs_url=git%2Bhttps://notgithub.com/acme/tool%40f00",
        ),
    ],
)
def test_git(address: str, url: str) -> None:
    assert locked_purl(Locked("tool", AT, "git", "tool", git=address, commit="f00"), "1.2.0") == url


def test_applications() -> None:
    assert application_purl("asn1", "5.4.1", repository_url=OTP) == (
        "pkg:otp/asn1@5.4.1?repository_url=https://github.com/erlang/otp"
    )
    assert application_purl("shop", "0.1.0", repository_url=None) == "pkg:otp/shop@0.1.0"


def test_debian() -> None:
    package = DebianPackage("libstdc++6", "amd64", "1:14.2.0-19", "gcc-14", "14.2.0-19")
    trixie = Distribution("debian", "13", "trixie", "Debian")
    assert debian_purl(package, trixie) == "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19?arch=amd64&distro=trixie"
    assert debian_purl(package, Distribution("debian", None, None, "Debian")).endswith("?arch=amd64")
