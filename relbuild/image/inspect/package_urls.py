"""Package URLs: what a component is called wherever bills of materials and vulnerabilities are compared.

https://github.com/package-url/purl-spec, with the definitions of the types hex, otp, github and deb.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from packageurl import PackageURL

from relbuild.image.inspect.contents import DebianPackage, Distribution
from relbuild.mix.lock import Locked

OTP = "https://github.com/erlang/otp"
ELIXIR = "https://github.com/elixir-lang/elixir"
_GITHUB = re.compile(
    r"(?:(?:https?|git|ssh)://(?:[^/@]*@)?|git@)(?:www\.)?github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?", re.ASCII
)


def purl(kind: str, *path: str, version: str, qualifiers: Mapping[str, str | None] | None = None) -> str:
    """Return a package URL in its canonical form; a qualifier that is None or empty is left out."""
    *namespace, name = path
    given = {key: value for key, value in (qualifiers or {}).items() if value}
    return PackageURL(kind, "/".join(filter(None, namespace)), name, version, given).to_string()


def locked_purl(entry: Locked, version: str, repository: str | None = None) -> str:
    """Return that of what mix.lock names; `version` is the application's, `repository` the address of its Hex one.

    Of another Hex repository than hex.pm whose address isn't known it is that of an application: without the address
    the type hex would mean another package.
    """
    if entry.source == "git" and entry.address is not None:
        return _commit(entry, entry.address, version)
    if entry.source != "hex" or not (entry.public or repository):
        return application_purl(entry.app, version)
    path = (entry.organization or "").lower(), entry.package.lower()
    qualifiers = {} if entry.public else {"repository_url": repository}
    return purl("hex", *path, version=entry.version or version, qualifiers=qualifiers)


def _commit(entry: Locked, address: str, version: str) -> str:
    github = _GITHUB.fullmatch(address)
    if github is not None and entry.commit is not None:
        return purl("github", github[1].lower(), github[2].lower(), version=entry.commit)
    at = f"@{entry.commit}" if entry.commit is not None else ""
    return application_purl(entry.app, version, vcs_url=f"git+{web_address(address)}{at}")


def web_address(address: str) -> str:
    """Return git's short form of an ssh address (git@host:path) as the URL it stands for."""
    if "://" in address:
        return address
    host, colon, path = address.partition(":")
    return f"ssh://{host}/{path.lstrip('/')}" if colon else address


def application_purl(name: str, version: str, **qualifiers: str | None) -> str:
    """Return that of an application of the BEAM's, by what its .app file says."""
    return purl("otp", name.lower(), version=version, qualifiers=qualifiers)


def debian_purl(package: DebianPackage, distribution: Distribution) -> str:
    """Return that of a Debian package."""
    suite = distribution.codename or distribution.version
    return purl(
        "deb",
        distribution.id,
        package.name,
        version=package.version,
        qualifiers={"arch": package.architecture, "distro": suite},
    )
