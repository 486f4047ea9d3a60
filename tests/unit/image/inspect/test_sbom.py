"""Bills of materials: valid CycloneDX, equal for equal images, nothing invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from relbuild.image import labels
from relbuild.image.inspect.sbom import BillOfMaterials, make_bill

Files = dict[str, bytes]
UNKNOWN = "no mix.lock came with the image: of jason, tool only the name and the version are known"


def billed(made: Any) -> BillOfMaterials:
    """Return the bill of an image, which the official schema has found nothing wrong with."""
    found = make_bill(made.inspection, made.packages)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(found.document)) is None
    refs = [each["bom-ref"] for each in found.document["components"]]
    assert len(refs) == len(set(refs))
    own = found.document["metadata"]["component"]["bom-ref"]
    for each in found.document["dependencies"]:
        assert {each["ref"], *each.get("dependsOn", ())} <= {own, *refs}
    return found


def components(found: BillOfMaterials) -> dict[str, Any]:
    return {each["name"]: each for each in found.document["components"]}


def test_a_release_with_everything(made: Callable[..., Any]) -> None:
    found = billed(made())
    assert found.notes == ()
    document = found.document
    assert document["metadata"]["timestamp"] == "2026-01-02T03:04:05+00:00"
    assert {key: document["metadata"]["component"][key] for key in ("type", "name", "version")} == {
        "type": "application",
        "name": "shop",
        "version": "0.1.0",
    }
    by_name = components(found)
    assert {name: each.get("purl") for name, each in by_name.items()} == {
        "Erlang/OTP": "pkg:github/erlang/otp@OTP-27.3.4",
        "erts": "pkg:otp/erts@15.2.7?repository_url=https://github.com/erlang/otp",
        "elixir": "pkg:otp/elixir@1.18.3?repository_url=https://github.com/elixir-lang/elixir",
        "jason": "pkg:hex/jason@1.4.1",
        "kernel": "pkg:otp/kernel@10.2?repository_url=https://github.com/erlang/otp",
        "shop": "pkg:otp/shop@0.1.0",
        "tool": f"pkg:github/acme/tool@{'c' * 40}",
        "debian": None,
        "libc6": "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie",
    }
    assert by_name["jason"]["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    assert by_name["Erlang/OTP"]["cpe"] == "cpe:2.3:a:erlang:erlang\\/otp:27.3.4:*:*:*:*:*:*:*"
    assert (by_name["debian"]["type"], by_name["debian"]["version"]) == ("operating-system", "13")
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    expected = {
        "release:shop@0.1.0": ["app:shop@0.1.0"],
        "app:elixir@1.18.3": ["app:kernel@10.2"],
        "app:jason@1.4.1": ["app:elixir@1.18.3", "app:kernel@10.2"],
        "app:kernel@10.2": ["erts@15.2.7"],
        "app:shop@0.1.0": ["app:elixir@1.18.3", "app:jason@1.4.1", "app:kernel@10.2", "app:tool@0.2.0"],
        "app:tool@0.2.0": ["app:kernel@10.2"],
        "erts@15.2.7": [],
    }
    assert {ref: needs[ref] for ref in expected} == expected


def test_equal_images_make_equal_bills(made: Callable[..., Any]) -> None:
    one, same = billed(made()), billed(made(reference="other:name"))
    other = billed(made(id=f"sha256:{'2' * 64}"))
    assert json.dumps(one.document) == json.dumps(same.document)
    assert one.document["serialNumber"] != other.document["serialNumber"]


@pytest.mark.parametrize(
    ("entry", "purl", "note"),
    [
        (b'{:hex, :jason, "1.4.1"}', "pkg:hex/jason@1.4.1", "mix.lock has no checksum of jason"),
        (
            b'{:hex, :jason, "1.4.1", "x", [:mix], [], "own", "' + b"d" * 64 + b'"}',
            "pkg:otp/jason@1.4.1",
            "jason: of another Hex repository, whose address the image doesn't have",
        ),
        (
            b'{:hex, :jason, "1.4.1", "x", [:mix], [], "hexpm:acme", "' + b"d" * 64 + b'"}',
            "pkg:hex/acme/jason@1.4.1",
            None,
        ),
    ],
)
def test_what_the_lock_lacks_is_said(
    made: Callable[..., Any],
    shop_layers: tuple[Files, ...],
    entry: bytes,
    purl: str,
    note: str | None,
) -> None:
    lock = b'%{"jason": ' + entry + b', "tool": {:git, "https://example.com/tool.git", "f00", []}}'
    *below, project = shop_layers
    found = billed(made([*below, {**project, "app/releases/mix.lock": lock}]))
    by_name = components(found)
    assert by_name["jason"]["purl"] == purl
    assert ("hashes" in by_name["jason"]) == (b"d" * 64 in entry)
    assert by_name["tool"]["externalReferences"] == [{"type": "vcs", "url": "https://example.com/tool.git"}]
    assert [each.startswith(str(note)) for each in found.notes] == ([True] if note else [])
    said = [each["value"] for each in found.document["metadata"].get("properties", ())]
    assert said == list(found.notes)


def test_another_repository_has_the_address_that_the_image_says(
    made: Callable[..., Any], shop_layers: tuple[Files, ...]
) -> None:
    lock = b'%{"jason": {:hex, :jason, "1.4.1", "x", [:mix], [], "own", "' + b"d" * 64 + b'"}}'
    *below, project = shop_layers
    label = {**made().inspection.labels, labels.REPOSITORIES: "own=https://hex.example.com other=https://a.example.com"}
    found = billed(made([*below, {**project, "app/releases/mix.lock": lock}], label))
    assert (components(found)["jason"]["purl"], found.notes) == (
        "pkg:hex/jason@1.4.1?repository_url=https://hex.example.com",
        (),
    )


def test_an_image_of_others(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    """No lock and no packages: names and versions, and that no more is known."""
    _, *rest = shop_layers
    own = {path: content for layer in rest for path, content in layer.items() if "mix.lock" not in path}
    found = billed(made([own], {}, created=""))
    assert found.notes == (UNKNOWN, "the image has no record of Debian packages")
    assert found.document["metadata"]["timestamp"] == "1970-01-01T00:00:00+00:00"
    assert components(found)["jason"]["purl"] == "pkg:otp/jason@1.4.1"


def test_packages_of_a_distribution_that_is_not_named(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    base, *rest = shop_layers
    found = billed(made([{path: base[path] for path in base if "os-release" not in path}, *rest]))
    assert found.notes == ("the image doesn't say which distribution its 1 packages are of: they are left out",)
    assert "libc6" not in components(found)
