"""An image's bill of materials as CycloneDX 1.6; https://cyclonedx.org/docs/1.6/json/ has its form.

Equal images make equal documents: the serial number follows from the image's digest, the time is the image's own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

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

# The names of relbuild's own properties begin with it.
PREFIX = "io.relbuild"
_DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class BillOfMaterials:
    """A bill of materials, and notes on what is unknown in it."""

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
        *([_distribution(distribution)] if distribution is not None else []),
        *(_package(each, distribution) for each in packages or () if distribution is not None),
    ]
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"relbuild:{image.id}"),
        metadata=_metadata(image, notes),
        components=components,
        dependencies=_dependencies(image, refs),
    )
    return BillOfMaterials(json.loads(JsonV1Dot6(bom).output_as_string()), notes)


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


def _metadata(image: Inspection, notes: Iterable[str]) -> BomMetaData:
    release = Component(
        name=image.release.name,
        version=image.release.version,
        type=ComponentType.APPLICATION,
        bom_ref=_own(image),
        properties=_properties(
            ("image:id", image.id),
            ("image:platform", image.platform),
            ("image:base:name", image.base.name),
            ("image:base:digest", image.base.digest),
        ),
    )
    tool = Component(name="relbuild", version=__version__, type=ComponentType.APPLICATION)
    return BomMetaData(
        timestamp=_time(image.created),
        tools=ToolRepository(components=[tool]),
        component=release,
        properties=_properties(*(("note", note) for note in notes)),
    )


def _own(image: Inspection) -> str:
    return f"release:{image.release.name}@{image.release.version}"


def _time(created: str) -> datetime:
    """Return the image's time in whole seconds; the epoch for an image that has none, as some tools make them."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        time = datetime.fromtimestamp(0, UTC)
    return time.astimezone(UTC).replace(microsecond=0)


def _properties(*pairs: tuple[str, str | None]) -> list[Property]:
    return [Property(name=f"{PREFIX}:{name}", value=value) for name, value in pairs if value]


def _runtime(image: Inspection) -> Iterator[Component]:
    """Yield ERTS and, where its whole version is known, OTP as one component, which vulnerability reports name."""
    versions = image.contents.versions
    if versions.otp is not None and "." in versions.otp:
        yield _component(
            ComponentType.PLATFORM,
            f"otp@{versions.otp}",
            "Erlang/OTP",
            versions.otp,
            purl("github", "erlang", "otp", version=f"OTP-{versions.otp}"),
            cpe=f"cpe:2.3:a:erlang:erlang\\/otp:{versions.otp}:*:*:*:*:*:*:*",
        )
    if versions.erts:
        erts = application_purl("erts", versions.erts, repository_url=OTP)
        yield _component(ComponentType.PLATFORM, f"erts@{versions.erts}", "erts", versions.erts, erts)


def _component(kind: ComponentType, ref: str, name: str, version: str, url: str | None, **more: Any) -> Component:
    package_url = PackageURL.from_string(url) if url is not None else None
    return Component(type=kind, bom_ref=ref, name=name, version=version or None, purl=package_url, **more)


def _application(each: Application, ref: str, addresses: Mapping[str, str]) -> Component:
    if each.locked is not None and each.origin in ("hex", "git"):
        return _locked(each, each.locked, ref, addresses)
    source = {"otp": OTP, "elixir": ELIXIR}.get(each.origin)
    url = application_purl(each.name, each.version, repository_url=source)
    kind = ComponentType.APPLICATION if each.origin == "project" else ComponentType.LIBRARY
    more = {"cpe": f"cpe:2.3:a:elixir-lang:elixir:{each.version}:*:*:*:*:*:*:*"} if each.name == "elixir" else {}
    return _component(kind, ref, each.name, each.version, url, properties=_properties(("origin", each.origin)), **more)


def _locked(each: Application, locked: Locked, ref: str, addresses: Mapping[str, str]) -> Component:
    """Return the component of a dependency as mix.lock names it; what that lacks is left out."""
    url = locked_purl(locked, each.version, addresses.get(locked.repo or ""))
    if locked.source == "git":
        address = web_address(locked.address or "")
        own = _properties(("origin", "git"), ("git:commit", locked.commit))
        references = [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(address))]
        return _component(
            ComponentType.LIBRARY, ref, each.name, each.version, url, external_references=references, properties=own
        )
    own = _properties(
        ("origin", "hex"),
        ("hex:repository", locked.repo),
        ("hex:application", each.name if each.name != locked.package else None),
        ("hex:checksum", "none in mix.lock" if locked.checksum is None else None),
    )
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=locked.checksum)] if locked.checksum is not None else []
    version = locked.version or each.version
    return _component(ComponentType.LIBRARY, ref, locked.package, version, url, hashes=hashes, properties=own)


def repositories(label: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of Hex repositories that an image's labels give, by name."""
    pairs = (word.partition("=") for word in label.get(labels.REPOSITORIES, "").split())
    return {name: url for name, _, url in pairs if url}


def _distribution(distribution: Distribution) -> Component:
    # A suite that isn't released yet has no number.
    version = distribution.version or distribution.codename or ""
    kind = ComponentType.OPERATING_SYSTEM
    return _component(kind, _DISTRIBUTION, distribution.id, version, None, description=distribution.title or None)


def _package(each: DebianPackage, distribution: Distribution) -> Component:
    return _component(
        ComponentType.LIBRARY,
        f"deb:{each.name}:{each.architecture}@{each.version}",
        each.name,
        each.version,
        debian_purl(each, distribution),
        properties=_properties(("debian:source", each.source), ("debian:source-version", each.source_version)),
    )


def _dependencies(image: Inspection, refs: Mapping[str, str]) -> Iterator[Dependency]:
    """Yield which component needs which, as the .app files have it; Debian's packages have no entry."""
    erts = image.contents.versions.erts
    own = [refs[each.name] for each in image.applications if each.origin == "project"]
    yield _dependency(_own(image), own or refs.values())
    for each in image.applications:
        needed = {refs[name] for name in each.applications if name in refs and name != each.name}
        if each.name == "kernel" and erts:
            needed.add(f"erts@{erts}")
        yield _dependency(refs[each.name], needed)
    if erts:
        yield _dependency(f"erts@{erts}", ())


def _dependency(ref: str, needed: Iterable[str]) -> Dependency:
    return Dependency(BomRef(ref), [Dependency(BomRef(each)) for each in needed])
