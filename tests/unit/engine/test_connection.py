"""How an engine is reached, and why it can't be."""

from __future__ import annotations

import grp
import json
import os
import pwd
from pathlib import Path

import pytest

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.engine.connection import find_socket, has_login, inactive_group, unreachable
from relbuild.engine.docker import Engine
from relbuild.errors import CommandFailed, EngineError, PassingFault


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of a docker client's configuration, empty at first."""
    directory = tmp_path / "docker-config"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    return directory


def write_context(directory: Path, name: str, host: str) -> None:
    from docker.context.config import get_context_id

    meta = directory / "contexts" / "meta" / get_context_id(name)
    meta.mkdir(parents=True)
    content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (meta / "meta.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("endpoint", "environment", "config", "address"),
    [
        (Endpoint(), {}, None, "unix:///var/run/docker.sock"),
        (Endpoint(), {"DOCKER_HOST": "tcp://a:1"}, '{"currentContext": "rootless"}', None),
        (Endpoint(), {"DOCKER_HOST": "unix:///a"}, '{"currentContext": "rootless"}', "unix:///a"),
        (Endpoint(host="unix:///b"), {"DOCKER_HOST": "tcp://a:1"}, None, "unix:///b"),
        (Endpoint(host="ssh://b"), {}, None, None),
        (Endpoint(context="rootless"), {"DOCKER_HOST": "tcp://a:1"}, None, "unix:///run/user/1/docker.sock"),
        (Endpoint(context="far"), {}, None, None),
        (Endpoint(context="none-such"), {}, None, None),
        (Endpoint(context="default"), {"DOCKER_HOST": "unix:///a"}, None, "unix:///a"),
        (Endpoint(), {"DOCKER_CONTEXT": "rootless"}, None, "unix:///run/user/1/docker.sock"),
        (Endpoint(), {}, '{"currentContext": "rootless"}', "unix:///run/user/1/docker.sock"),
        (Endpoint(), {}, '{"currentContext": "default"}', "unix:///var/run/docker.sock"),
        (Endpoint(), {}, "{", "unix:///var/run/docker.sock"),
        (Endpoint(), {}, "[]", "unix:///var/run/docker.sock"),
    ],
)
def test_the_socket_is_the_docker_clients(
    docker_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: Endpoint,
    environment: dict[str, str],
    config: str | None,
    address: str | None,
) -> None:
    (docker_config / "config.json").write_text(config or "{}")
    write_context(docker_config, "rootless", "unix:///run/user/1/docker.sock")
    write_context(docker_config, "far", "ssh://web1")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_socket(endpoint) == address


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, script: str) -> None:
    path = tmp_path / program
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


CLIENT = """\
#!/usr/bin/env python3
import json, sys
assert sys.argv[1:] == ["--host", "ssh://web1", "system", "dial-stdio"], sys.argv
body = json.dumps({"Version": "26.1.5", "ApiVersion": "1.45", "Arch": "arm64"})
for line in sys.stdin:
    if line == "\\r\\n":
        print("HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length:", len(body), end="\\r\\n\\r\\n")
        print(body, end="", flush=True)
"""


def test_the_docker_client_dials_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "docker", CLIENT)
    assert Engine(Endpoint(host="ssh://web1")).architecture() == "arm64"


@pytest.mark.parametrize(
    ("stderr", "kind", "message"),
    [
        ("ssh: connect to host web1 port 22: Connection timed out", PassingFault, "Connection timed out"),
        ("ssh: Could not resolve hostname web1: Temporary failure in name resolution", PassingFault, "Temporary"),
        ("command [ssh -o ConnectTimeout=30] has exited with exit status 255, stderr=root@web1: Permission denied.",
         EngineError, "ssh://web1: root@web1: Permission denied."),
        ("ssh: connect to host web1 port 22: Connection refused", EngineError, "Connection refused"),
        ("bash: docker: command not found", EngineError, "command not found"),
    ],
)  # fmt: skip
def test_why_an_ssh_host_can_not_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str, kind: type[EngineError], message: str
) -> None:
    """The messages are ssh's and the docker client's own."""
    install(tmp_path, monkeypatch, "docker", f"#!/bin/sh\necho 'a banner' >&2\necho '{stderr}' >&2\nexit 1\n")
    with pytest.raises((EngineError, PassingFault)) as failed:
        Engine(Endpoint(host="ssh://web1")).image("shop")
    assert (failed.type, message in str(failed.value)) == (kind, True)


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no Docker Engine answers at unix://.*: no such file or directory$"):
        Engine(Endpoint(host=f"unix://{tmp_path}/none")).image("shop")


HELPER = """\
#!/bin/sh
# A credential helper: `get`, with the registry's name on stdin.
read -r name
[ "$1 $name" = "get registry.example.com" ] || { echo "credentials not found in native keychain"; exit 1; }
printf '{"ServerURL": "%s", "Username": "joe", "Secret": "s3cret"}' "$name"
"""


@pytest.mark.parametrize(
    ("config", "registry", "expected"),
    [
        ({}, "registry.example.com", False),
        ({"auths": {"registry.example.com": {"auth": "YTpi"}}}, "registry.example.com", True),
        ({"auths": {"https://registry.example.com": {"auth": "YTpi"}}}, "registry.example.com", True),
        ({"auths": {"registry.example.com": {"auth": "YTpi"}}}, "other.example.com", False),
        ({"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}}}, "docker.io", True),
        ({"credsStore": "fake"}, "registry.example.com", True),
        ({"credHelpers": {"registry.example.com": "fake"}}, "registry.example.com", True),
        ({"credsStore": "fake", "auths": {"other.example.com": {"auth": "YTpi"}}}, "other.example.com", True),
        ({"credsStore": "fake"}, "docker.io", False),
    ],
)
def test_the_logins_are_dockers(
    tmp_path: Path,
    docker_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: object,
    registry: str,
    expected: bool,
) -> None:
    (docker_config / "config.json").write_text(json.dumps(config))
    install(tmp_path, monkeypatch, "docker-credential-fake", HELPER)
    assert has_login(registry) is expected


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "can't read docker's configuration"), ('{"credsStore": "none-such"}', "docker-credential-none-such")],
)
def test_logins_that_can_not_be_read(docker_config: Path, content: str, message: str) -> None:
    (docker_config / "config.json").write_text(content)
    with pytest.raises(CommandFailed, match=message):
        has_login("registry.example.com")


@pytest.mark.parametrize(
    ("endpoint", "reason", "hint"),
    [
        (DEFAULT, "permission denied", "join its group (sudo usermod -aG docker $USER"),
        (DEFAULT, "no such file or directory", "the socket does not exist"),
        (DEFAULT, "connection refused", "nothing listens there"),
        (Endpoint(host="tcp://web:2375"), "name or service not known", "the host's name is not known"),
        (Endpoint(host="tcp://web:2376"), "Client sent an HTTP request to an HTTPS server.", "the engine speaks TLS"),
        (Endpoint(context="ci"), 'context "ci": context not found', "docker context ls"),
        (Endpoint(host="ssh://web"), "deploy@web: Permission denied (publickey).", "its key in the ssh agent"),
    ],
)
def test_each_reason_has_its_own_next_action(endpoint: Endpoint, reason: str, hint: str) -> None:
    assert hint in unreachable(endpoint, reason, client=True)


def test_without_the_client_it_is_to_be_installed() -> None:
    assert "install Docker Engine" in unreachable(DEFAULT, "no such file or directory", client=False)


def test_a_group_that_was_joined_after_the_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid())
    monkeypatch.setattr(os, "getgid", lambda: -1)
    monkeypatch.setattr(os, "getgroups", list)
    for members, name in (([user], "docker"), (["another"], None)):
        entry = grp.struct_group(("docker", "x", group.gr_gid, members))
        monkeypatch.setattr(grp, "getgrgid", lambda _, entry=entry: entry)
        assert inactive_group(f"unix://{socket}") == name
    monkeypatch.setattr(os, "getgroups", lambda: [group.gr_gid])
    assert inactive_group(f"unix://{socket}") is None
    assert inactive_group(f"unix://{tmp_path}/none") is None
    assert inactive_group(None) is None


def test_a_joined_group_needs_a_new_login() -> None:
    hint = unreachable(DEFAULT, "permission denied", client=True, joined="docker")
    assert hint.endswith("log out and in again, or start a shell with it: newgrp docker")
