"""Shell completion: what is offered for places and images, and bash's way of cutting words."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.cli import completion
from relbuild.cli.completion import PREFIX, REQUEST
from relbuild.engine import docker
from relbuild.errors import EngineError


class Engine:
    """An engine without a swarm."""

    def __init__(self, _endpoint: object) -> None:
        return

    def images(self) -> tuple[Any, ...]:
        return (SimpleNamespace(tags=("shop:1.0", "shop:1.1")), SimpleNamespace(tags=()))

    def containers(self) -> tuple[Any, ...]:
        return (SimpleNamespace(name="web"),)

    def services(self) -> tuple[Any, ...]:
        raise EngineError("it is no swarm manager")


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "relbuild.yml").write_text("targets:\n  production: {engine: host}\n  staging: {engine: host}\n")
    monkeypatch.setattr(docker, "Engine", Engine)
    monkeypatch.delenv(PREFIX, raising=False)
    return SimpleNamespace(params={"directory": tmp_path})


@pytest.mark.parametrize(
    ("incomplete", "offered"),
    [
        ("", ["production", "staging", "container:web", "image:shop:1.0", "image:shop:1.1", "pod:", "deployment:"]),
        ("p", ["production", "pod:"]),
        ("container:", ["container:web"]),
        ("image:shop:1.1", ["image:shop:1.1"]),
        ("service:", []),
    ],
)
def test_places(context: Any, incomplete: str, offered: list[str]) -> None:
    assert completion.places(context, incomplete) == offered


def test_images(context: Any) -> None:
    assert completion.images(context, "sh") == ["shop:1.0", "shop:1.1"]


def test_nothing_is_offered_where_nothing_can_be_read(context: Any) -> None:
    context.params["directory"] = Path("/nowhere")
    assert completion.places(context, "p") == ["pod:"]


@pytest.mark.parametrize(
    ("words", "joined", "prefix", "offered"),
    [
        (["relbuild", "logs", "--on", "cont"], ["relbuild", "logs", "--on", "cont"], "", ["container:web"]),
        (["relbuild", "logs", "--on", "container", ":"], ["relbuild", "logs", "--on", ""], "container:", ["web"]),
        (
            ["relbuild", "logs", "--on", "image", ":", "shop", ":", "1"],
            ["relbuild", "logs", "--on", "1"],
            "image:shop:",
            ["1.0", "1.1"],
        ),
        (["relbuild", "run", "a", ":", "1", "x"], ["relbuild", "run", "a:1", "x"], "", []),
    ],
)
def test_bash_cuts_words_at_colons(
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    joined: list[str],
    prefix: str,
    offered: list[str],
) -> None:
    monkeypatch.setenv(REQUEST, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    completion.join_words(os.environ)
    assert os.environ["COMP_WORDS"].split("\n") == joined
    assert (os.environ["COMP_CWORD"], os.environ[PREFIX]) == (str(len(joined) - 1), prefix)
    assert completion.places(context, joined[-1]) == offered


def test_another_shell_gives_whole_words(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {REQUEST: "complete_zsh"}
    completion.join_words(environment)
    assert environment == {REQUEST: "complete_zsh"}
