"""What a registry is asked, and what becomes of its answers; the registries here are loopback servers."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relbuild.engine import hexpm_index, logins, web
from relbuild.engine.hexpm_index import IndexedTag
from relbuild.engine.registry import Manifest, Registries
from relbuild.errors import CommandFailed, PassingFault, UsageError
from relbuild.image.reference import Reference

Response = tuple[int, Mapping[str, str], bytes]
Serve = Callable[[Callable[[str, Mapping[str, str]], Response]], str]


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def platform(text: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def index(*platforms: str) -> bytes:
    manifests = [{"digest": f"sha256:{each}", "platform": platform(each)} for each in platforms]
    return json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let docker have no logins but those that a test writes."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def test_an_index_has_its_platforms(serve: Serve) -> None:
    body = index("linux/arm64/v8", "linux/amd64", "linux/arm/v7", "unknown/unknown")
    asked = []

    def respond(path: str, headers: Mapping[str, str]) -> Response:
        asked.append((path, "application/vnd.oci.image.index.v1+json" in headers["Accept"]))
        return 200, {}, body

    found = Registries().manifest(Reference.parse(f"{serve(respond)}/hexpm/elixir:1.18"))
    assert found == Manifest(digest(body), ("linux/amd64", "linux/arm/v7", "linux/arm64"))
    assert asked == [("/v2/hexpm/elixir/manifests/1.18", True)]


def test_an_image_without_an_index_has_the_platform_of_its_configuration(serve: Serve) -> None:
    manifest = json.dumps({"config": {"digest": "sha256:c"}, "layers": []}).encode()
    answers = {"manifests/1": manifest, "blobs/sha256:c": json.dumps(platform("linux/amd64")).encode()}
    address = serve(lambda path, _: (200, {}, answers[path.removeprefix("/v2/shop/")]))
    assert Registries().manifest(Reference.parse(f"{address}/shop:1")) == Manifest(digest(manifest), ("linux/amd64",))


def test_what_is_not_there_is_none(serve: Serve) -> None:
    assert Registries().manifest(Reference.parse(f"{serve(lambda *_: (404, {}, b''))}/shop:1")) is None


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_a_token_is_asked_for_once_with_dockers_login(serve: Serve, no_logins: Path, key: str) -> None:
    body, asked = index("linux/amd64"), []

    def tokens(path: str, headers: Mapping[str, str]) -> Response:
        query = parse_qs(urlsplit(path).query)
        asked.append((query, base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()))
        return 200, {}, json.dumps({key: "t0ken"}).encode()

    realm = f"http://{serve(tokens)}/token"

    def respond(path: str, headers: Mapping[str, str]) -> Response:
        if headers.get("Authorization") == "Bearer t0ken":
            return 200, {}, body
        challenge = f'Bearer realm="{realm}",service="registry.test",scope="repository:acme/shop:pull"'
        return 401, {"WWW-Authenticate": challenge}, b"{}"

    address = serve(respond)
    auth = base64.b64encode(b"joe:pass:word").decode()
    (no_logins / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    registries = Registries()
    for tag in ("1", "2"):
        found = registries.manifest(Reference.parse(f"{address}/acme/shop:{tag}"))
        assert found == Manifest(digest(body), ("linux/amd64",))
    query = {"service": ["registry.test"], "scope": ["repository:acme/shop:pull"]}
    assert asked == [(query, "joe:pass:word")]


def test_a_login_goes_to_no_other_server(serve: Serve, no_logins: Path) -> None:
    """A registry may send on to a store of another's; the login is not for it."""
    seen: list[str | None] = []

    def elsewhere(_path: str, headers: Mapping[str, str]) -> Response:
        seen.append(headers.get("Authorization"))
        return 200, {}, index("linux/amd64")

    other = serve(elsewhere)

    def respond(path: str, headers: Mapping[str, str]) -> Response:
        if "Authorization" not in headers:
            return 401, {"WWW-Authenticate": "Basic realm=x"}, b""
        return 307, {"Location": f"http://{other}{path}"}, b""

    address = serve(respond)
    auth = base64.b64encode(b"joe:pw").decode()
    (no_logins / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    assert Registries().manifest(Reference.parse(f"{address}/shop:1")) is not None
    assert seen == [None]


HELPER = """\
#!/bin/sh
# What docker asks a credential helper: `get`, with the registry's name on stdin.
read -r name
[ "$1 $name" = "get registry.example.com" ] || { echo "credentials not found in native keychain"; exit 1; }
printf '{"ServerURL": "%s", "Username": "joe", "Secret": "s3cret"}' "$name"
"""


def login(user: str) -> str:
    return f"Basic {base64.b64encode(user.encode()).decode()}"


@pytest.mark.parametrize(
    ("configuration", "registry", "expected"),
    [
        ({}, "registry.example.com", None),
        ({"auths": {"registry.example.com": {}}}, "registry.example.com", None),
        ({"auths": {"registry.example.com": {"username": "a", "password": "b"}}}, "registry.example.com", "a:b"),
        ({"auths": {"https://registry.example.com": {"auth": "YTpi"}}}, "registry.example.com", "a:b"),
        ({"auths": {"registry.example.com": {"auth": "YTpi"}}}, "other.example.com", None),
        ({"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}}}, "docker.io", "a:b"),
        ({"credsStore": "fake"}, "registry.example.com", "joe:s3cret"),
        ({"credHelpers": {"registry.example.com": "fake"}}, "registry.example.com", "joe:s3cret"),
        ({"credsStore": "fake", "auths": {"other.example.com": {"auth": "YTpi"}}}, "other.example.com", "a:b"),
        ({"credsStore": "fake"}, "docker.io", None),
    ],
)
def test_dockers_own_logins(
    no_logins: Path, monkeypatch: pytest.MonkeyPatch, configuration: object, registry: str, expected: str | None
) -> None:
    (no_logins / "config.json").write_text(json.dumps(configuration))
    helper = no_logins / "docker-credential-fake"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{no_logins}:{os.environ['PATH']}")
    assert logins.basic(registry) == (login(expected) if expected else None)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "can't read docker's configuration"), ('{"credsStore": "none-such"}', "docker-credential-none-such isn't")],
)
def test_logins_that_can_not_be_read(no_logins: Path, content: str, message: str) -> None:
    (no_logins / "config.json").write_text(content)
    with pytest.raises(CommandFailed, match=message):
        logins.basic("registry.example.com")


@pytest.mark.parametrize("realm", ["http://auth.example.com/token", "file:///etc/passwd", ""])
def test_a_token_is_only_asked_for_over_tls(serve: Serve, realm: str) -> None:
    address = serve(lambda *_: (401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b""))
    with pytest.raises(CommandFailed, match=f"{address} refuses {address}/shop:1: 401"):
        Registries().manifest(Reference.parse(f"{address}/shop:1"))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_says_so(serve: Serve, status: int) -> None:
    with pytest.raises(PassingFault, match="can't look up"):
        Registries().manifest(Reference.parse(f"{serve(lambda *_: (status, {}, b''))}/shop:1"))


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PassingFault, match=f"{address} does not answer: Connection refused"):
            Registries().manifest(Reference.parse(f"{address}/shop:1"))


def test_a_server_that_says_nothing_is_not_waited_for(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(PassingFault, match="does not answer: timed out"):
            web.get(f"http://{address}/", {}, timeout=0.1)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"\xff"])
def test_what_is_no_registry_is_told(serve: Serve, body: bytes) -> None:
    with pytest.raises(CommandFailed, match="with what is no manifest"):
        Registries().manifest(Reference.parse(f"{serve(lambda *_: (200, {}, body))}/shop:1"))


def test_a_digest_is_held_to(serve: Serve) -> None:
    body = index("linux/amd64")
    address = serve(lambda *_: (200, {}, body))
    assert Registries().manifest(Reference.parse(f"{address}/shop@{digest(body)}")) is not None
    with pytest.raises(CommandFailed, match="gives another image"):
        Registries().manifest(Reference.parse(f"{address}/shop@{digest(b'other')}"))


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
def test_an_index_that_talks_nonsense_is_not_believed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setenv("RELBUILD_HEXPM_INDEX", f"http://{serve(lambda *_: (status, {}, body))}")
    with pytest.raises(PassingFault, match="with what is no list of tags"):
        hexpm_index.search({})


def test_an_index_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELBUILD_HEXPM_INDEX", "file:///etc")
    with pytest.raises(UsageError, match="is no address"):
        hexpm_index.search({})
