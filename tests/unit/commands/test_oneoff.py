"""What a one-off gets, and which image it has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands.oneoff import OneOffContext, _configured_context, context_at
from relbuild.commands.variables import Environment
from relbuild.config import Config
from relbuild.config.target import Target
from relbuild.release.oneoff import CopiedOptions

IN_WEB = CopiedOptions({"A": "copied", "B": "copied"}, ("--network", "web", "--read-only"), ("db",))


@pytest.mark.parametrize(
    ("copied", "swarm", "network", "expected"),
    [
        (IN_WEB, False, None, IN_WEB),
        (IN_WEB, False, "web", IN_WEB),
        (IN_WEB, False, "db", IN_WEB),
        (IN_WEB, False, "more", CopiedOptions(IN_WEB.variables, IN_WEB.options, ("db", "more"))),
        (IN_WEB, True, "more", CopiedOptions(IN_WEB.variables, (*IN_WEB.options, "--network", "more"), ("db",))),
        (CopiedOptions({}, ()), False, "more", CopiedOptions({}, ("--network", "more"))),
    ],
)
def test_a_network_is_joined_once(
    copied: CopiedOptions, swarm: bool, network: str | None, expected: CopiedOptions
) -> None:
    place = OneOffContext(None, "container web", "web", copied, swarm=swarm)  # type: ignore[arg-type]
    assert place.combine(Environment(network=network)) == (Environment(copied.variables), expected)


def test_what_is_given_comes_before_what_is_copied() -> None:
    place = OneOffContext(None, "container web", "web", IN_WEB)  # type: ignore[arg-type]
    environment, _ = place.combine(Environment({"B": "given", "C": "given"}, frozenset({"C"})))
    assert environment == Environment({"A": "copied", "B": "given", "C": "given"}, frozenset({"C"}))


def container(labels: dict[str, str]) -> dict[str, Any]:
    return {
        "Id": "c1",
        "Name": "/web",
        "Image": "sha256:old",
        "Config": {"Image": "shop:1.0", "Labels": labels},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Networks": {"bridge": {}}},
    }


def asked(images: dict[str, str], **labels: str) -> OneOffContext:
    """Return what is found at a container when the engine has images of these names."""
    names = {name.replace("_", "."): value for name, value in labels.items()}

    def inspected(kind: str, name: str) -> Any:
        if kind == "container":
            return container(names)
        return {"Id": images[name], "Config": {}} if name in images else None

    session: Any = SimpleNamespace(engine=SimpleNamespace(inspected=inspected), endpoint="here")
    found = context_at(session, "container:web", "migrate")
    assert isinstance(found, OneOffContext)
    return found


def test_the_image_is_the_one_that_runs() -> None:
    assert asked({"shop:1.0": "sha256:old"}).image == "shop:1.0"
    # The name has passed to a newer image, or to none.
    assert asked({"shop:1.0": "sha256:new"}).image == "sha256:old"
    assert asked({}).image == "sha256:old"


def test_containers_of_one_compose_service_are_one_target() -> None:
    assert asked({}).lock == "web"
    given = {"com_docker_compose_project": "acme", "com_docker_compose_service": "shop"}
    assert asked({}, **given).lock == "acme-shop"


@pytest.mark.parametrize(("config", "read"), [(None, "project"), ("elsewhere/relbuild.yml", "elsewhere")])
def test_an_env_file_is_beside_relbuild_yml(tmp_path: Path, config: str | None, read: str) -> None:
    for directory in ("project", "elsewhere"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "prod.env").write_text(f"WHERE={directory}\n")
    session: Any = SimpleNamespace(root=tmp_path / "project", config_file=tmp_path / config if config else None)
    opened: Any = SimpleNamespace(
        session=session, target=Target(engine="host", env_file="prod.env"), key="production", config=Config()
    )
    assert _configured_context(opened).copied.variables == {"WHERE": read}
