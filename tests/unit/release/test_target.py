"""A release's command applied to each place."""

from __future__ import annotations

import shlex

from relbuild.endpoint import Endpoint
from relbuild.release.command import ReleaseCommand
from relbuild.release.target import Container, Image, NewContainer, Surroundings

MIGRATE = ReleaseCommand("shop", "eval", ("Shop.Release.migrate()",))


def test_an_image_runs_it_in_a_one_off_container() -> None:
    argv = Image("shop:1.0", Surroundings(("DATABASE_URL",), "net")).argv(MIGRATE)
    assert shlex.join(argv) == (
        "docker run --rm --interactive --read-only --tmpfs /tmp"
        " --env DATABASE_URL --network net --entrypoint /app/bin/shop shop:1.0 eval 'Shop.Release.migrate()'"
    )


def test_a_container_runs_it_in_place() -> None:
    argv = Container("web", terminal=True, endpoint=Endpoint(context="prod")).argv(ReleaseCommand("shop", "remote"))
    assert shlex.join(argv) == "docker --context prod exec --interactive --tty web /app/bin/shop remote"


def test_an_ssh_endpoint_is_the_clients() -> None:
    argv = Container("web", interactive=False, endpoint=Endpoint(host="ssh://deploy@web1")).argv(
        ReleaseCommand("shop", "pid", root="/srv/shop")
    )
    assert shlex.join(argv) == "docker --host ssh://deploy@web1 exec web /srv/shop/bin/shop pid"


def test_a_new_container_boots_the_release() -> None:
    argv = NewContainer("shop:1.0", name="web", publish=("80:4000",), labels={"a": "b"}, detach=True).argv()
    assert shlex.join(argv) == (
        "docker run --detach --name web --init --stop-timeout 30 --read-only --tmpfs /tmp"
        " --publish 80:4000 --label a=b shop:1.0"
    )


def test_in_the_foreground_it_is_gone_when_it_ends() -> None:
    argv = NewContainer("shop:1.0", terminal=True, stop_timeout=5).argv()
    assert shlex.join(argv) == (
        "docker run --rm --interactive --tty --init --stop-timeout 5 --read-only --tmpfs /tmp shop:1.0"
    )
