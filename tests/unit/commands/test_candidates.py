"""The names of images that aren't verified yet: those of builds more than a day ago are removed, no other."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from relbuild.commands import candidates
from relbuild.commands.session import Session
from relbuild.endpoint import Endpoint
from relbuild.engine.docker import Engine, ListedImage
from relbuild.engine.runner import PLAIN, DryRunner, Handling, Outcome
from relbuild.errors import EngineError
from relbuild.progress import Display

NOW, DAY = 1_800_000_000, 24 * 3600


@pytest.mark.parametrize(
    ("tag", "left"),
    [
        (f"{NOW - DAY}_0a1b", False),
        (f"{NOW - DAY - 1}_0a1b", True),
        (f"{NOW + DAY}_0a1b", False),
        ("dry-run", False),
        ("0123456789abcdef", False),
        ("1", False),
    ],
)
def test_names_are_left_after_a_day(tag: str, left: bool) -> None:
    assert candidates.is_left(tag, NOW) == left


class Asked(Engine):
    """An engine that has images of these names."""

    names: tuple[str, ...] = ()

    def images(self, repository: str) -> tuple[ListedImage, ...]:
        if not self.names:
            raise EngineError("no", hint="")
        return (ListedImage("sha256:1", self.names, 0, {}),)


class Client(DryRunner):
    """Keeps what is run."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[tuple[str, ...]] = []

    def captured(
        self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
    ) -> Outcome:
        self.ran.append(argv)
        return Outcome(0)


def session(client: Client, *names: str, dry_run: bool = False) -> Session:
    def connect(endpoint: Endpoint) -> Engine:
        engine = Asked(endpoint)
        engine.names = names
        return engine

    return Session(Path(), None, Endpoint(), client, connect, warn=print, note=print, progress=Display, dry_run=dry_run)


def test_names_that_were_left_are_removed() -> None:
    client = Client()
    own = candidates.name(session(client), "shop")
    gone = f"relbuild-candidate/shop:{int(time.time()) - DAY - 1}_0a1b"
    other = gone.replace("shop", "other")
    candidates.sweep(session(client, "shop:1.0", own, gone, other), "shop")
    assert client.ran == [("docker", "image", "rm", "--no-prune", gone)]


def test_nothing_is_done_where_nothing_is_known() -> None:
    client = Client()
    candidates.sweep(session(client), "shop")
    candidates.sweep(session(client, "x", dry_run=True), "shop")
    assert client.ran == []


def test_names_are_tags_that_docker_takes() -> None:
    first, second = (candidates.name(session(Client()), "shop") for _ in range(2))
    assert first != second
    assert re.fullmatch(r"relbuild-candidate/shop:[0-9]+_[0-9a-f]{8}", first)
    assert candidates.name(session(Client(), dry_run=True), "shop") == "relbuild-candidate/shop:dry-run"
