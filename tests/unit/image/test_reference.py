"""Names of images."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.config import texts
from relbuild.errors import Problem, UsageError
from relbuild.image.reference import Reference, require

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian:trixie-slim", Reference("docker.io", "library/debian", "trixie-slim")),
        ("debian", Reference("docker.io", "library/debian", "latest")),
        ("hexpm/elixir:1.18", Reference("docker.io", "hexpm/elixir", "1.18")),
        ("docker.io/library/debian:13", Reference("docker.io", "library/debian", "13")),
        ("localhost/a:1", Reference("localhost", "a", "1")),
        ("localhost:5000/a/b", Reference("localhost:5000", "a/b", "latest")),
        ("registry.example.com/a/b/c:x", Reference("registry.example.com", "a/b/c", "x")),
        (f"acme/base@{DIGEST}", Reference("docker.io", "acme/base", None, DIGEST)),
        (f"ghcr.io/a/b:1@{DIGEST}", Reference("ghcr.io", "a/b", "1", DIGEST)),
    ],
)
def test_a_name_is_taken_apart_as_docker_does(text: str, expected: Reference) -> None:
    assert Reference.parse(text) == expected


def test_docker_hub_is_logged_in_to_without_its_name() -> None:
    assert Reference.parse("acme/shop:1").login == "docker login"
    assert Reference.parse("ghcr.io/acme/shop:1").login == "docker login ghcr.io"


@pytest.mark.parametrize(
    ("image", "mirror", "expected"),
    [
        ("debian:trixie", "mirror.example.com", "mirror.example.com/library/debian:trixie"),
        ("hexpm/elixir:1", "mirror.example.com:5000", "mirror.example.com:5000/hexpm/elixir:1"),
        ("debian:trixie", "harbor.example.com/hub", "harbor.example.com/hub/library/debian:trixie"),
        (f"a/b:1@{DIGEST}", "m.example.com/x/y", f"m.example.com/x/y/a/b:1@{DIGEST}"),
        ("ghcr.io/a/b:1", "mirror.example.com", "ghcr.io/a/b:1"),
        ("debian:trixie", None, "debian:trixie"),
    ],
)
def test_a_mirror_has_docker_hubs_images(image: str, mirror: str | None, expected: str) -> None:
    assert str(Reference.parse(image).at(mirror)) == expected


@given(
    st.from_regex(texts.REFERENCE.pattern or "", fullmatch=True),
    st.from_regex(texts.MIRROR.pattern or "", fullmatch=True),
)
def test_what_is_put_together_comes_apart_again(text: str, mirror: str) -> None:
    reference = Reference.parse(text)
    assert Reference.parse(str(reference)) == reference
    moved = reference.at(mirror)
    assert Reference.parse(str(moved)) == moved
    assert moved.registry == (mirror.partition("/")[0] if reference.registry == "docker.io" else reference.registry)


@pytest.mark.parametrize(
    "text",
    [
        "shop",
        "shop:1.0",
        "localhost:5000/acme/shop:1.0-rc_1",
        "[::1]:5000/shop",
        f"ghcr.io/acme/shop:1@sha256:{'0' * 64}",
        f"sha256:{'0a' * 32}",
        "0123456789ab",
        "relbuild-candidate/shop:dry-run",
    ],
)
def test_what_docker_takes_for_an_image(text: str) -> None:
    require(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("BAD IMAGE!!", "write it as in shop:1.0"),
        ("", "write it as in shop:1.0"),
        ("shop:", "write it as in shop:1.0"),
        ("shop@sha256:1", "write it as in shop:1.0"),
        ("../containers/x", "write it as in shop:1.0"),
        ("acme/Shop", "write acme/shop"),
    ],
)
def test_what_is_no_image(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        require(text)
    assert raised.value.problems == (
        Problem(
            f"{text!r} is no image reference: that is [REGISTRY/]NAME[:TAG][@DIGEST], the name in small letters",
            hint=hint,
        ),
    )
