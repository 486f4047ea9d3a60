"""Which ports of a release `relbuild run` publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands.release_image import ReleaseImage
from relbuild.commands.run import _require_up, address_of, both_sides, own_ports
from relbuild.endpoint import DEFAULT
from relbuild.engine.facts import ImageFacts
from relbuild.errors import CommandFailed, Mark
from relbuild.image import labels
from relbuild.mix.environment import Contract, Default, Variable, to_label

PORT = Variable("PORT", Mark("config/runtime.exs", 7), Default("4000"))
COMPUTED = Variable("PORT", Mark("config/runtime.exs", 7), Default("base() + 1", literal=False))


@pytest.mark.parametrize(
    ("variable", "exposed", "own_env", "given", "ports"),
    [
        (None, ("9568/tcp", "53/udp"), {}, {"PORT": "5000"}, ("9568/tcp", "53/udp")),
        (PORT, (), {}, {}, ("4000",)),
        (PORT, ("8080/tcp",), {}, {}, ("8080/tcp",)),
        (PORT, ("8080/tcp",), {}, {"PORT": "5000"}, ("5000",)),
        (PORT, ("8080/tcp",), {"PORT": "8081"}, {}, ("8081",)),
        (PORT, ("8080/tcp",), {}, {"PORT": "none"}, ("8080/tcp",)),
        (COMPUTED, (), {}, {}, ()),
    ],
)
def test_a_release_listens_where_its_contract_says(
    variable: Variable | None,
    exposed: tuple[str, ...],
    own_env: Mapping[str, str],
    given: Mapping[str, str],
    ports: tuple[str, ...],
) -> None:
    said = {labels.ENVIRONMENT: to_label(Contract((variable,)))} if variable is not None else {}
    image = ReleaseImage("shop:1", "shop", "/app", ImageFacts("", (), (), said, 0, ports=exposed, env=own_env))
    assert own_ports(image, given) == ports


@pytest.mark.parametrize(
    ("given", "published", "host", "address"),
    [
        ("4000", "4000:4000", None, "http://127.0.0.1:4000"),
        ("4000/tcp", "4000:4000/tcp", None, "http://127.0.0.1:4000"),
        ("53/udp", "53:53/udp", None, None),
        ("4000-4002", "4000-4002:4000-4002", None, None),
        ("8080:4000", "8080:4000", None, "http://127.0.0.1:8080"),
        ("127.0.0.1::4000", "127.0.0.1::4000", None, None),
        ("0.0.0.0:80:4000", "0.0.0.0:80:4000", None, "http://127.0.0.1:80"),
        ("[::1]:80:4000", "[::1]:80:4000", None, "http://[::1]:80"),
        ("4000", "4000:4000", "ssh://deploy@web2:2222", "http://web2:4000"),
    ],
)
def test_a_single_port_is_the_same_on_both_sides_and_has_an_address(
    given: str, published: str, host: str | None, address: str | None
) -> None:
    assert both_sides(given) == published
    assert address_of(published, host) == address


def test_the_last_lines_of_a_dead_container_are_decoded() -> None:
    """OTP prints a text with a line break as numbers."""
    lines = ["[error] {#{message => <<110,111,10,68,66>>}\n", "exited\n"]
    notes: list[str] = []

    def show(_argv: tuple[str, ...], each: Callable[[str], None]) -> None:
        for line in lines:
            each(line)

    dead = {"State": {"Status": "exited", "ExitCode": 1}}
    session: Any = SimpleNamespace(
        engine=SimpleNamespace(inspected=lambda kind, name: dead),
        endpoint=DEFAULT,
        runner=SimpleNamespace(lines=show),
        note=notes.append,
    )
    with pytest.raises(CommandFailed, match="shop ended with exit code 1 right after its start"):
        _require_up(session, "c0ffee", "shop")
    assert notes == ['[error] {#{message => <<"no\\nDB">>}', "exited"]
