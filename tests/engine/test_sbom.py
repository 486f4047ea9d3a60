"""relbuild sbom of images of a real engine, held against CycloneDX's own schema and what the image itself says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

REPOSITORY = Path(__file__).parents[2]
SHOP = REPOSITORY / "examples" / "shop"

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def built(
    relbuild: Callable[..., Ran], cleanup: Any, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Return the image of examples/shop, and the bill of materials that its build wrote."""
    reference, file = cleanup.image(f"relbuild-test-billed:{run_id}"), tmp_path_factory.mktemp("sbom") / "shop.json"
    ran = relbuild("image", "-C", str(SHOP), "-t", reference, "--no-verify", "--sbom", str(file))
    assert (ran.exit_code, ran.stdout) == (0, f"{reference}\n"), ran.stderr
    return reference, file


def components(text: str) -> dict[str, Any]:
    """Return the components of a bill that is valid."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return {each["name"]: each for each in json.loads(text)["components"]}


def test_the_build_writes_what_the_image_tells(
    built: tuple[str, Path], relbuild: Callable[..., Ran], docker: Docker
) -> None:
    image, file = built
    told = relbuild("sbom", image)
    assert (told.exit_code, told.stdout) == (0, file.read_text())
    assert told.stderr.startswith("no mix.lock came with the image: of ")
    found = components(told.stdout)
    query = "${Package} ${Version} ${Architecture}\\n"
    listed = docker("run", "--rm", "--entrypoint", "dpkg-query", image, "--show", "--showformat", query)
    rows = [line.split(" ") for line in listed.splitlines()]
    urls = {each["purl"].replace("%2B", "+") for each in found.values() if each.get("purl", "").startswith("pkg:deb/")}
    assert urls == {f"pkg:deb/debian/{name}@{version}?arch={arch}&distro=trixie" for name, version, arch in rows}
    otp = docker("run", "--rm", "--entrypoint", "sh", image, "-c", "cat releases/27/OTP_VERSION")
    assert found["Erlang/OTP"]["version"] == otp
    assert found["shop"]["purl"] == "pkg:otp/shop@0.1.0"
    wrapped = json.loads(relbuild("sbom", image, "--json").stdout)["data"]
    assert wrapped == {"file": None, "sbom": json.loads(told.stdout)}


def test_what_mix_lock_says(
    built: tuple[str, Path],
    relbuild: Callable[..., Ran],
    docker: Docker,
    labels: tuple[str, ...],
    cleanup: Any,
    run_id: str,
    tmp_path: Path,
) -> None:
    """As a build leaves it in the release; test_provenance.py holds that it does."""
    image = cleanup.image(f"relbuild-test-locked:{run_id}")
    lock = (
        f'%{{\n  "xmpp": {{:hex, :xmpp, "1.9.4", "x", [:rebar3], [], "hexpm:acme", "{"d" * 64}"}},\n'
        '  "ezlib": {:hex, :ezlib, "1.0.13"},\n'
        '  "idna": {:git, "git@github.com:benoitc/erlang-idna.git", "f00d", []},\n}\n'
    )
    dockerfile = f"FROM {built[0]}\nUSER root\nCOPY <<LOCK /app/releases/mix.lock\n{lock}LOCK\nUSER 10001\n"
    docker("build", "--quiet", "--tag", image, *labels, "-", stdin=dockerfile)
    file = tmp_path / "bom.json"
    written = relbuild("sbom", image, "--output", str(file))
    assert (written.exit_code, written.stdout) == (0, f"{file}\n")
    assert written.stderr.startswith("mix.lock has no checksum of ezlib")
    found = components(file.read_text())
    assert {name: found[name]["purl"] for name in ("xmpp", "ezlib", "idna")} == {
        "xmpp": "pkg:hex/acme/xmpp@1.9.4",
        "ezlib": "pkg:hex/ezlib@1.0.13",
        "idna": "pkg:github/benoitc/erlang-idna@f00d",
    }
    assert found["xmpp"]["hashes"] == [{"alg": "SHA-256", "content": "d" * 64}]
    assert "hashes" not in found["ezlib"]


def test_a_bill_that_cannot_be_written_tags_nothing(
    built: tuple[str, Path], relbuild: Callable[..., Ran], docker: Docker, run_id: str, tmp_path: Path
) -> None:
    reference = f"relbuild-test-unbilled:{run_id}"
    failed = relbuild("image", "-C", str(SHOP), "-t", reference, "--no-verify", "--sbom", str(tmp_path))
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert docker("image", "ls", "--quiet", reference) == ""
