"""What commands return: as text and as the data of the JSON envelope."""

from __future__ import annotations

from relbuild.errors import Mark, Problem
from relbuild.image.findings import Finding
from relbuild.result import Built, Ran, ReleaseVersion


def test_an_image_with_several_tags() -> None:
    built = Built(
        ("shop:1.0", "r.example.com/shop:1.0"), "sha256:1", None, ("shop:1.0", "r.example.com/shop:1.0"), False
    )
    assert built.text() == "shop:1.0\nr.example.com/shop:1.0"
    assert built.data()["reference"] == "shop:1.0"


def test_an_image_has_its_findings_and_sizes() -> None:
    built = Built(
        references=("r.example.com/shop@sha256:2",),
        id="sha256:1",
        digest="sha256:2",
        tags=("r.example.com/shop:1.0",),
        pushed=True,
        packed=40_000_000,
        findings=(
            (Finding("user", "ok", "it runs as 65532"), None),
            (Finding("size", "note", "40.0 MB"), "linux/arm64"),
        ),
        warnings=(Problem("x is unused", Mark("lib/a.ex", 3, 8)),),
    )
    finding = {"hint": None}
    assert built.data() == {
        "reference": "r.example.com/shop@sha256:2",
        "id": "sha256:1",
        "digest": "sha256:2",
        "tags": ["r.example.com/shop:1.0"],
        "pushed": True,
        "size": None,
        "packed": 40_000_000,
        "findings": [
            {"check": "user", "status": "ok", "message": "it runs as 65532", "platform": None, **finding},
            {"check": "size", "status": "note", "message": "40.0 MB", "platform": "linux/arm64", **finding},
        ],
        "warnings": [{"message": "x is unused", "file": "lib/a.ex", "line": 3, "column": 8}],
    }


def test_the_version_of_a_release_in_fields() -> None:
    argv = ("docker", "exec", "web", "bin/shop", "version")
    version = ReleaseVersion(Ran(0, argv, "shop 1.2.0-rc.1+5\n"))
    assert version.data() == {
        "argv": list(argv),
        "output": "shop 1.2.0-rc.1+5\n",
        "name": "shop",
        "version": "1.2.0-rc.1+5",
    }
    assert ReleaseVersion(Ran(1, argv, "")).data() == {"argv": list(argv), "output": "", "name": None, "version": None}
    assert ReleaseVersion(Ran(1, argv)).exit_code == 1
