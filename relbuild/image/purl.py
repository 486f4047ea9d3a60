"""Package URLs: what a component is called wherever bills of materials and vulnerabilities are compared.

https://github.com/package-url/purl-spec, with the definitions of the types hex, otp, github and deb.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from relbuild.image.debian import Distribution, Package
from relbuild.mix.lockfile import GitCommit, HexPackage

OTP = "https://github.com/erlang/otp"
ELIXIR = "https://github.com/elixir-lang/elixir"
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}.-_~")
_GITHUB = re.compile(
    r"(?:(?:https?|git|ssh)://(?:[^/@]*@)?|git@)(?:www\.)?github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?", re.ASCII
)


def purl(kind: str, *path: str, version: str, qualifiers: Mapping[str, str | None] | None = None) -> str:
    """Return a package URL in its canonical form; a qualifier that is None or empty is left out."""
    name = "/".join(_encoded(part) for part in path if part)
    pairs = (f"{key}={_encoded(value, ':/')}" for key, value in sorted((qualifiers or {}).items()) if value)
    query = "&".join(pairs)
    return f"pkg:{kind}/{name}@{_encoded(version, ':')}" + (f"?{query}" if query else "")


def _encoded(text: str, plain: str = "") -> str:
    """Return the text percent-encoded, but for the characters that may stand as they are."""
    return "".join(chr(byte) if chr(byte) in _PLAIN or chr(byte) in plain else f"%{byte:02X}" for byte in text.encode())


def hex_package(package: HexPackage) -> str:
    """Return that of a Hex package.

    Of another repository than hex.pm it is that of an application: the type hex would need the repository's address,
    which mix.lock doesn't have, and without it would mean another package.
    """
    if not package.public:
        return application(package.app, package.version)
    return purl("hex", (package.organization or "").lower(), package.name.lower(), version=package.version)


def git_commit(commit: GitCommit, version: str) -> str:
    """Return that of a dependency from a git repository; `version` is the application's."""
    github = _GITHUB.fullmatch(commit.url)
    if github is not None:
        return purl("github", github[1].lower(), github[2].lower(), version=commit.commit)
    return application(commit.app, version, vcs_url=f"git+{web(commit.url)}@{commit.commit}")


def web(address: str) -> str:
    """Return git's short form of an ssh address (git@host:path) as the URL it stands for."""
    if "://" in address:
        return address
    host, colon, path = address.partition(":")
    return f"ssh://{host}/{path.lstrip('/')}" if colon else address


def application(name: str, version: str, **qualifiers: str | None) -> str:
    """Return that of an application of the BEAM's, by what its .app file says."""
    return purl("otp", name.lower(), version=version, qualifiers=qualifiers)


def debian(package: Package, distribution: Distribution) -> str:
    """Return that of a Debian package."""
    suite = distribution.codename or distribution.version
    return purl(
        "deb",
        distribution.id,
        package.name,
        version=package.version,
        qualifiers={"arch": package.architecture, "distro": suite},
    )
