"""The table of verbs and places, and a release's command in each place."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time

import pytest

from relbuild.endpoint import Endpoint
from relbuild.errors import UsageError
from relbuild.release.place import (
    PLACES,
    VERBS,
    Call,
    NewContainer,
    Place,
    RunOptions,
    end_marked,
    require,
)

MARKED = Call(mark="c0ffee")
PROD = Endpoint(context="prod")
WORKER = Endpoint(host="ssh://deploy@web2")


def test_an_image_runs_it_in_a_one_off_container() -> None:
    argv = Place("image", "shop:1.0", release="shop", options=RunOptions(("DATABASE_URL",), "net")).argv(
        "eval", ("Shop.Release.migrate()",)
    )
    assert shlex.join(argv) == (
        "docker run --rm --interactive --read-only --tmpfs /tmp"
        " --env DATABASE_URL --network net --entrypoint /app/bin/shop shop:1.0 eval 'Shop.Release.migrate()'"
    )


@pytest.mark.parametrize(
    ("place", "call", "argv", "undo"),
    [
        (
            Place("image", "shop:1.0", endpoint=PROD, release="shop"),
            MARKED,
            "docker --context prod run --rm --interactive --name relbuild-c0ffee --label"
            " io.relbuild.one-off= --read-only --tmpfs /tmp --entrypoint /app/bin/shop shop:1.0 pid",
            "docker --context prod rm --force --volumes relbuild-c0ffee",
        ),
        (
            Place("container", "web", endpoint=PROD, release="shop", options=RunOptions(("PORT",))),
            Call(term="xterm", mark="c0ffee"),
            "docker --context prod exec --interactive --tty --env PORT --env TERM=xterm --env RELBUILD_CALL=c0ffee"
            " web /app/bin/shop pid",
            "docker --context prod exec web KILL",
        ),
        (
            Place("service", "shop", endpoint=PROD, node=WORKER, container="1f", release="shop"),
            MARKED,
            "docker --host ssh://deploy@web2 exec --interactive --env RELBUILD_CALL=c0ffee 1f /app/bin/shop pid",
            "docker --host ssh://deploy@web2 exec 1f KILL",
        ),
        (
            Place("pod", "shop-0", "web", Endpoint("gke"), "shop"),
            MARKED,
            "kubectl --context gke --namespace web exec --stdin pod/shop-0 -- env RELBUILD_CALL=c0ffee"
            " /app/bin/shop pid",
            "kubectl --context gke --namespace web exec pod/shop-0 -- KILL",
        ),
        (
            Place("deployment", "shop", release="shop"),
            Call(stdin=False, term="xterm"),
            "kubectl exec --tty deployment/shop -- env TERM=xterm /app/bin/shop pid",
            None,
        ),
    ],
)
def test_a_call_leaves_nothing_behind(place: Place, call: Call, argv: str, undo: str | None) -> None:
    assert shlex.join(place.argv("pid", call=call)) == argv
    ends = place.undo(call)
    killed = shlex.join(end_marked("c0ffee"))
    assert (None if ends is None else shlex.join(ends)) == (undo and undo.replace("KILL", killed))


def test_a_mark_finds_its_processes_and_no_others() -> None:
    sleeping = (sys.executable, "-c", "import time; time.sleep(60)")
    marked = subprocess.Popen(sleeping, env={**os.environ, "RELBUILD_CALL": f"c0ffee{os.getpid()}"})
    other = subprocess.Popen(sleeping, env={**os.environ, "RELBUILD_CALL": "another"})
    try:
        deadline = time.monotonic() + 30
        while marked.poll() is None and time.monotonic() < deadline:  # until its environment is there to be seen
            subprocess.run(end_marked(f"c0ffee{os.getpid()}"), check=False)
        assert (marked.poll(), other.poll()) == (-9, None)
    finally:
        for each in (marked, other):
            each.kill()
            each.wait()


def test_it_shows_its_log() -> None:
    assert [
        shlex.join(place.logs(("--follow",)))
        for place in (
            Place("container", "web"),
            Place("service", "shop", endpoint=PROD, node=WORKER, container="1f"),
            Place("pod", "a"),
            Place("deployment", "b"),
        )
    ] == [
        "docker logs --follow web",
        "docker --context prod service logs --follow shop",
        "kubectl logs --follow pod/a",
        "kubectl logs --follow deployment/b",
    ]


def test_a_release_in_another_directory() -> None:
    argv = Place("container", "web", endpoint=WORKER, release="shop", root="/srv/shop").argv(
        "pid", call=Call(stdin=False)
    )
    assert shlex.join(argv) == "docker --host ssh://deploy@web2 exec web /srv/shop/bin/shop pid"


def test_a_new_container_boots_the_release() -> None:
    argv = NewContainer("shop:1.0", name="web", publish=("80:4000",), labels={"a": "b"}, detach=True).argv()
    assert shlex.join(argv) == (
        "docker run --detach --name web --init --stop-timeout 30 --read-only --tmpfs /tmp"
        " --publish 80:4000 --label a=b shop:1.0"
    )


def test_in_the_foreground_it_is_removed_when_it_ends() -> None:
    argv = NewContainer("shop:1.0", nofile="1024", stop_timeout=5).argv()
    assert shlex.join(argv) == (
        "docker run --rm --interactive --init --stop-timeout 5 --read-only --tmpfs /tmp --ulimit nofile=1024 shop:1.0"
    )


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
    rows = [[verb, *("yes" if kind in VERBS[verb].places else "-" for kind in PLACES)] for verb in VERBS]
    assert [line.split() for line in MATRIX.strip().splitlines()] == [[*PLACES], *rows]


def test_what_makes_no_sense_names_where_it_would() -> None:
    with pytest.raises(UsageError) as refused:
        require("rpc", "image")
    [problem] = refused.value.problems
    assert (problem.message, problem.hint) == (
        "rpc does not support an image: it speaks to a running system, "
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
    ("on", "place"),
    [
        ("image:registry:5000/shop:1.0", Place("image", "registry:5000/shop:1.0")),
        ("container:web", Place("container", "web")),
        ("pod:shop/web-0", Place("pod", "web-0", "shop")),
        ("deployment:web", Place("deployment", "web")),
        ("production", Place("target", "production")),
    ],
)
def test_a_place_is_parsed_and_written_back(on: str, place: Place) -> None:
    assert (Place.parse(on), str(place)) == (place, on)


@pytest.mark.parametrize("on", ["", ":", "image", "image:", "host:web", "container:-rm", "Image:shop"])
def test_what_is_no_place(on: str) -> None:
    with pytest.raises(UsageError, match="there is no such place"):
        Place.parse(on)
