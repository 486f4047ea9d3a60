"""What to do about an engine that can't be reached, by the reason."""

from __future__ import annotations

import pytest

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.engine.docker import unreachable


@pytest.mark.parametrize(
    ("endpoint", "reason", "hint"),
    [
        (DEFAULT, "permission denied", "join its group (sudo usermod -aG docker $USER"),
        (DEFAULT, "no such file or directory", "no engine has made this socket"),
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
