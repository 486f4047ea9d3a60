"""An image's bill of materials as CycloneDX 1.6; https://cyclonedx.org/docs/1.6/json/ has its form.

Equal images make equal documents: the serial number follows from the image's digest, the time is the image's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relbuild import __version__
from relbuild.errors import listed
from relbuild.image import labels
from relbuild.image.inspect.contents import Application, DebianPackage, Distribution
from relbuild.image.inspect.inspection import Inspection
from relbuild.image.inspect.package_urls import (
    ELIXIR,
    OTP,
    application_purl,
    debian_purl,
    locked_purl,
    purl,
    web_address,
)
from relbuild.mix.lock import Locked

SPEC = "1.6"
# The names of relbuild's own properties begin with it.
PREFIX = "io.relbuild"
_DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class BillOfMaterials:
    """A bill of materials, and what couldn't be told in it."""

    document: Mapping[str, Any]
    notes: tuple[str, ...]


def make_bill(image: Inspection, packages: tuple[DebianPackage, ...] | None) -> BillOfMaterials:
    """Return the bill of an image; ``packages`` are its Debian packages, None where it has no record of any."""
    notes = tuple(_notes(image, packages))
    refs = {each.name: f"app:{each.name}@{each.version}" for each in image.applications}
    distribution = image.base.distribution
    components = [
        *_runtime(image),
        *(_application(each, refs[each.name], repositories(image.labels)) for each in image.applications),
        *([_distributed(distribution)] if distribution is not None else []),
        *(_package(each, distribution) for each in packages or () if distribution is not None),
    ]
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'relbuild:{image.id}')}",
        "version": 1,
        "metadata": _metadata(image, notes),
        "components": components,
        "dependencies": list(_dependencies(image, refs)),
    }
    return BillOfMaterials(document, notes)


def _notes(image: Inspection, packages: tuple[DebianPackage, ...] | None) -> Iterator[str]:
    unlocked = [each.name for each in image.applications if each.origin == "unknown"]
    if unlocked and not image.contents.has_lock:
        yield f"no mix.lock came with the image: of {listed(unlocked)} only the name and the version are known"
    packaged = [each.locked for each in image.applications if each.locked is not None and each.origin == "hex"]
    bare = sorted(each.app for each in packaged if each.checksum is None)
    if bare:
        yield f"mix.lock has no checksum of {', '.join(bare)}; mix deps.get writes it with a newer Hex"
    known = repositories(image.labels)
    private = sorted(each.app for each in packaged if not each.public and each.repo not in known)
    if private:
        yield f"{', '.join(private)}: of another Hex repository, whose address the image doesn't have"
    if packages is None:
        yield "the image has no record of Debian packages"
    elif image.base.distribution is None:
        yield f"the image doesn't say which distribution its {len(packages)} packages are of: they are left out"


def _metadata(image: Inspection, notes: Iterable[str]) -> dict[str, Any]:
    tool = {"type": "application", "name": "relbuild", "version": __version__}
    metadata = {
        "timestamp": _time(image.created),
        "tools": {"components": [tool]},
        "component": {
            "type": "application",
            "bom-ref": _own(image),
            "name": image.release.name,
            "version": image.release.version,
            "properties": _properties(
                ("image:id", image.id),
                ("image:platform", image.platform),
                ("image:base:name", image.base.name),
                ("image:base:digest", image.base.digest),
            ),
        },
        "properties": _properties(*(("note", note) for note in notes)),
    }
    return {key: value for key, value in metadata.items() if value}


def _own(image: Inspection) -> str:
    return f"release:{image.release.name}@{image.release.version}"


def _time(created: str) -> str:
    """Return the image's time in whole seconds; the epoch for an image that has none, as some tools make them."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        time = datetime.fromtimestamp(0, UTC)
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _properties(*pairs: tuple[str, str | None]) -> list[dict[str, str]]:
    return [{"name": f"{PREFIX}:{name}", "value": value} for name, value in pairs if value]


def _runtime(image: Inspection) -> Iterator[dict[str, Any]]:
    """Yield ERTS and, where its whole version is known, OTP as one thing, as vulnerabilities are told of it."""
    versions = image.contents.versions
    if versions.otp is not None and "." in versions.otp:
        yield _component(
            "platform",
            f"otp@{versions.otp}",
            "Erlang/OTP",
            versions.otp,
            purl("github", "erlang", "otp", version=f"OTP-{versions.otp}"),
            cpe=f"cpe:2.3:a:erlang:erlang\\/otp:{versions.otp}:*:*:*:*:*:*:*",
        )
    if versions.erts:
        erts = application_purl("erts", versions.erts, repository_url=OTP)
        yield _component("platform", f"erts@{versions.erts}", "erts", versions.erts, erts)


def _component(kind: str, ref: str, name: str, version: str, url: str | None, **more: Any) -> dict[str, Any]:
    component = {"type": kind, "bom-ref": ref, "name": name, "version": version, "purl": url, **more}
    return {key: value for key, value in component.items() if value}


def _application(each: Application, ref: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    if each.locked is not None and each.origin in ("hex", "git"):
        return _locked(each, each.locked, ref, addresses)
    source = {"otp": OTP, "elixir": ELIXIR}.get(each.origin)
    url = application_purl(each.name, each.version, repository_url=source)
    kind = "application" if each.origin == "project" else "library"
    more = {"cpe": f"cpe:2.3:a:elixir-lang:elixir:{each.version}:*:*:*:*:*:*:*"} if each.name == "elixir" else {}
    return _component(kind, ref, each.name, each.version, url, properties=_properties(("origin", each.origin)), **more)


def _locked(each: Application, locked: Locked, ref: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return the component of a dependency as mix.lock names it; what that lacks is said, not made up."""
    url = locked_purl(locked, each.version, addresses.get(locked.repo or ""))
    if locked.source == "git":
        address = web_address(locked.address or "")
        said = _properties(("origin", "git"), ("git:commit", locked.commit))
        references = [{"type": "vcs", "url": address}]
        return _component("library", ref, each.name, each.version, url, externalReferences=references, properties=said)
    said = _properties(
        ("origin", "hex"),
        ("hex:repository", locked.repo),
        ("hex:application", each.name if each.name != locked.package else None),
        ("hex:checksum", "none in mix.lock" if locked.checksum is None else None),
    )
    hashes = [{"alg": "SHA-256", "content": locked.checksum}] if locked.checksum is not None else []
    version = locked.version or each.version
    return _component("library", ref, locked.package, version, url, hashes=hashes, properties=said)


def repositories(label: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of Hex repositories that an image's labels give, by name."""
    pairs = (word.partition("=") for word in label.get(labels.REPOSITORIES, "").split())
    return {name: url for name, _, url in pairs if url}


def _distributed(distribution: Distribution) -> dict[str, Any]:
    # A suite that isn't released yet has no number.
    version = distribution.version or distribution.codename or ""
    return _component(
        "operating-system",
        _DISTRIBUTION,
        distribution.id,
        version,
        None,
        description=distribution.title,
    )


def _package(each: DebianPackage, distribution: Distribution) -> dict[str, Any]:
    return _component(
        "library",
        f"deb:{each.name}:{each.architecture}@{each.version}",
        each.name,
        each.version,
        debian_purl(each, distribution),
        properties=_properties(("debian:source", each.source), ("debian:source-version", each.source_version)),
    )


def _dependencies(image: Inspection, refs: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield who needs whom, as the .app files say; of the packages of Debian nothing is told."""
    erts = image.contents.versions.erts
    own = sorted(refs[each.name] for each in image.applications if each.origin == "project")
    yield {"ref": _own(image), "dependsOn": own or sorted(refs.values())}
    for each in image.applications:
        needed = {refs[name] for name in each.applications if name in refs and name != each.name}
        if each.name == "kernel" and erts:
            needed.add(f"erts@{erts}")
        yield {"ref": refs[each.name], "dependsOn": sorted(needed)}
    if erts:
        yield {"ref": f"erts@{erts}", "dependsOn": []}
