"""A release's command applied to each place."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time

import pytest

from relbuild.endpoint import Endpoint
from relbuild.release.command import ReleaseCommand
from relbuild.release.target import (
    Call,
    Container,
    Deployment,
    Image,
    NewContainer,
    Place,
    Pod,
    Service,
    Surroundings,
    end_marked,
)

MIGRATE = ReleaseCommand("shop", "eval", ("Shop.Release.migrate()",))
MARKED = Call(mark="c0ffee")
PROD = Endpoint(context="prod")
WORKER = Endpoint(host="ssh://deploy@web2")


def test_an_image_runs_it_in_a_one_off_container() -> None:
    argv = Image("shop:1.0", Surroundings(("DATABASE_URL",), "net")).argv(MIGRATE)
    assert shlex.join(argv) == (
        "docker run --rm --interactive --read-only --tmpfs /tmp"
        " --env DATABASE_URL --network net --entrypoint /app/bin/shop shop:1.0 eval 'Shop.Release.migrate()'"
    )


@pytest.mark.parametrize(
    ("place", "call", "argv", "undo"),
    [
        (
            Image("shop:1.0", endpoint=PROD),
            MARKED,
            "docker --context prod run --rm --interactive --name relbuild-c0ffee --label"
            " io.relbuild.one-off= --read-only --tmpfs /tmp --entrypoint /app/bin/shop shop:1.0 pid",
            "docker --context prod rm --force --volumes relbuild-c0ffee",
        ),
        (
            Container("web", PROD, ("PORT",)),
            Call(term="xterm", mark="c0ffee"),
            "docker --context prod exec --interactive --tty --env PORT --env TERM=xterm --env RELBUILD_CALL=c0ffee"
            " web /app/bin/shop pid",
            "docker --context prod exec web KILL",
        ),
        (
            Service("shop", Container("1f", WORKER), PROD),
            MARKED,
            "docker --host ssh://deploy@web2 exec --interactive --env RELBUILD_CALL=c0ffee 1f /app/bin/shop pid",
            "docker --host ssh://deploy@web2 exec 1f KILL",
        ),
        (
            Pod("shop-0", "gke", "web"),
            MARKED,
            "kubectl --context gke --namespace web exec --stdin pod/shop-0 -- env RELBUILD_CALL=c0ffee"
            " /app/bin/shop pid",
            "kubectl --context gke --namespace web exec pod/shop-0 -- KILL",
        ),
        (
            Deployment("shop"),
            Call(stdin=False, term="xterm"),
            "kubectl exec --tty deployment/shop -- env TERM=xterm /app/bin/shop pid",
            None,
        ),
    ],
)
def test_a_call_leaves_nothing_behind(place: Place, call: Call, argv: str, undo: str | None) -> None:
    assert shlex.join(place.argv(ReleaseCommand("shop", "pid"), call)) == argv
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
        for place in (Container("web"), Service("shop", Container("1f", WORKER), PROD), Pod("a"), Deployment("b"))
    ] == [
        "docker logs --follow web",
        "docker --context prod service logs --follow shop",
        "kubectl logs --follow pod/a",
        "kubectl logs --follow deployment/b",
    ]


def test_a_release_may_lie_elsewhere() -> None:
    argv = Container("web", WORKER).argv(ReleaseCommand("shop", "pid", root="/srv/shop"), Call(stdin=False))
    assert shlex.join(argv) == "docker --host ssh://deploy@web2 exec web /srv/shop/bin/shop pid"


def test_a_new_container_boots_the_release() -> None:
    argv = NewContainer("shop:1.0", name="web", publish=("80:4000",), labels={"a": "b"}, detach=True).argv()
    assert shlex.join(argv) == (
        "docker run --detach --name web --init --stop-timeout 30 --read-only --tmpfs /tmp"
        " --publish 80:4000 --label a=b shop:1.0"
    )


def test_in_the_foreground_it_is_gone_when_it_ends() -> None:
    argv = NewContainer("shop:1.0", nofile="1024", stop_timeout=5).argv()
    assert shlex.join(argv) == (
        "docker run --rm --interactive --init --stop-timeout 5 --read-only --tmpfs /tmp --ulimit nofile=1024 shop:1.0"
    )
