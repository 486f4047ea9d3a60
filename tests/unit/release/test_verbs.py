"""The table of verbs and places."""

from __future__ import annotations

import pytest

from relbuild.errors import UsageError
from relbuild.release.verbs import PLACES, VERBS, PlaceName, parse, require

MATRIX = """
           image container service pod deployment
eval       yes   yes       yes     yes yes
rpc        -     yes       yes     yes yes
remote     -     yes       yes     yes yes
start-iex  yes   -         -       -   -
pid        -     yes       yes     yes yes
stop       -     yes       yes     yes yes
restart    -     yes       yes     yes yes
version    yes   yes       yes     yes yes
migrate    yes   yes       yes     -   -
logs       -     yes       yes     yes yes
"""


def test_the_matrix() -> None:
    rows = [["", *PLACES]]
    rows += [[verb, *("yes" if kind in VERBS[verb].places else "-" for kind in PLACES)] for verb in VERBS]
    assert [line.split() for line in MATRIX.strip().splitlines()] == [rows[0][1:], *rows[1:]]


def test_what_makes_no_sense_names_where_it_would() -> None:
    with pytest.raises(UsageError) as refused:
        require("rpc", "image")
    [problem] = refused.value.problems
    assert (problem.message, problem.hint) == (
        "rpc makes no sense on an image: it speaks to a running system, "
        "and in a one-off container of an image none runs",
        "relbuild rpc --on container:NAME, service:NAME, pod:[NAMESPACE/]NAME, deployment:[NAMESPACE/]NAME "
        "or a target's name from relbuild.yml; relbuild eval needs no running system",
    )
    with pytest.raises(UsageError) as refused:
        require("start-iex", "container")
    assert refused.value.problems[0].hint == (
        "relbuild start-iex --on image:REF; relbuild remote is the shell on the running one"
    )


@pytest.mark.parametrize(
    ("on", "place", "namespace", "own"),
    [
        ("image:registry:5000/shop:1.0", PlaceName("image", "registry:5000/shop:1.0"), None, "registry:5000/shop:1.0"),
        ("container:web", PlaceName("container", "web"), None, "web"),
        ("pod:shop/web-0", PlaceName("pod", "shop/web-0"), "shop", "web-0"),
        ("deployment:web", PlaceName("deployment", "web"), None, "web"),
        ("production", PlaceName("target", "production"), None, "production"),
    ],
)
def test_places_are_read_as_they_are_written(on: str, place: PlaceName, namespace: str | None, own: str) -> None:
    assert (parse(on), parse(on).namespace, parse(on).own_name, str(parse(on))) == (place, namespace, own, on)


@pytest.mark.parametrize("on", ["", ":", "image", "image:", "host:web", "container:-rm", "Image:shop"])
def test_what_is_no_place(on: str) -> None:
    with pytest.raises(UsageError, match="there is no such place"):
        parse(on)
