"""The index of hexpm's images: its pages, and answers without a list of tags; the index is a loopback server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relbuild.engine import hexpm_index
from relbuild.engine.hexpm_index import IndexedTag
from relbuild.errors import PassingFault, UsageError

Response = tuple[int, Mapping[str, str], bytes]
Serve = Callable[[Callable[[str, Mapping[str, str]], Response]], str]


def bob(tags: list[dict[str, Any]], page: int = 100) -> Callable[[str, Mapping[str, str]], Response]:
    def respond(path: str, _headers: Mapping[str, str]) -> Response:
        offset = int(parse_qs(urlsplit(path).query)["offset"][0])
        body = {"tags": tags[offset : offset + page], "total": len(tags), "offset": offset, "page_size": page}
        return 200, {}, json.dumps(body).encode()

    return respond


def test_the_index_gives_all_its_pages(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = [{"repo": "hexpm/elixir", "tag": f"t{number}", "archs": ["amd64", "arm64"]} for number in range(5)]
    tags.append({"repo": "hexpm/elixir", "tag": "old"})
    monkeypatch.setenv("RELBUILD_HEXPM_INDEX", f"http://{serve(bob(tags, page=2))}/")
    both = ("linux/amd64", "linux/arm64")
    expected = (*(IndexedTag(f"t{number}", both) for number in range(5)), IndexedTag("old", ()))
    assert hexpm_index.search({"repo": "hexpm/elixir"}) == expected


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"[]"), (200, b'{"tags": [1]}'), (200, b'{"tags": {}, "total": "x"}'), (502, b"{}")],
)
def test_an_answer_without_a_list_of_tags(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setenv("RELBUILD_HEXPM_INDEX", f"http://{serve(lambda *_: (status, {}, body))}")
    with pytest.raises(PassingFault, match="without a list of tags"):
        hexpm_index.search({})


def test_an_index_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELBUILD_HEXPM_INDEX", "file:///etc")
    with pytest.raises(UsageError, match="is no address"):
        hexpm_index.search({})


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("RELBUILD_HEXPM_INDEX", f"http://{address}")
        with pytest.raises(PassingFault, match=f"{address} does not answer: connection refused"):
            hexpm_index.search({})


def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hexpm_index, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("RELBUILD_HEXPM_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(PassingFault, match="does not answer: timed out"):
            hexpm_index.search({})
