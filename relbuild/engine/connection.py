"""The Docker SDK's client for an endpoint, and why one can't reach its engine.

The SDK connects to a unix socket. The docker client dials everything else (ssh, TLS, tcp), so that reads use the same
ssh configuration, certificates and proxies as its commands.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from relbuild.endpoint import Endpoint
from relbuild.engine.runner import GRACE, missing
from relbuild.errors import CommandFailed, Mark
from relbuild.image.reference import DOCKER_HUB

# Seconds without a byte from the engine; `docker system df` and the like take their time on a busy one.
TIMEOUT = 60
DEFAULT_HOST = "unix:///var/run/docker.sock"


class Connection:
    """A connection to an engine; ``client`` opens it when the first read needs it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: Any = None
        self._relay: Relay | None = None

    @property
    def client(self) -> Any:
        """The SDK's client; raise DockerException when no engine answers, and EngineError without a docker client."""
        if self._client is None:
            from docker import APIClient

            address = find_socket(self._endpoint)
            if address is None:
                self._relay = self._relay or Relay((*self._endpoint.docker, "system", "dial-stdio"))
                address = self._relay.address
            self._client = APIClient(base_url=address, timeout=TIMEOUT)
        return self._client

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def reason(self, error: BaseException) -> str:
        """Return why a read failed: the docker client's last message where it dialled, else the system's."""
        if self._relay is None:
            return reason_of(error)
        self.close()
        return self._relay.last_message() or reason_of(error)


class Relay:
    """A unix socket whose connections are each passed on by a program of their own, through its stdin and stdout."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        if shutil.which(argv[0]) is None:
            raise missing(argv[0])
        self._argv = argv
        self._directory = TemporaryDirectory(prefix="relbuild-")
        self._children: list[subprocess.Popen[bytes]] = []
        path = Path(self._directory.name, "engine.sock")
        self.address = f"unix://{path}"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def last_message(self) -> str:
        """Return the last line on stderr of the program that was started last, waiting for its end."""
        if not self._children:
            return ""
        child = self._children[-1]
        try:
            _, stderr = child.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            _, stderr = child.communicate()
        lines = stderr.decode(errors="replace").strip().splitlines()
        # The docker client prints how it called ssh before ssh's own message.
        return lines[-1].rpartition("stderr=")[2].strip() if lines else ""

    def _accept(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                end = connection.fileno()
                child = subprocess.Popen(
                    self._argv, stdin=end, stdout=end, stderr=subprocess.PIPE, start_new_session=True
                )
                self._children.append(child)


def find_socket(endpoint: Endpoint) -> str | None:
    """Return the address of the unix socket that the docker client would use; None where it is no unix socket.

    The order of precedence is the client's: https://docs.docker.com/engine/manage-resources/contexts/.
    """
    host, context = endpoint.host, endpoint.context
    own = os.environ.get("DOCKER_HOST")
    if host is None and context is None:
        host = own
    if host is None:
        context = context or os.environ.get("DOCKER_CONTEXT") or _current_context()
        host = own or DEFAULT_HOST if context == "default" else _host_of(context)
    return host if host is not None and host.startswith("unix://") else None


def _current_context() -> str:
    # The docker client prints why its configuration can't be read, and goes on.
    with suppress(CommandFailed):
        current = configuration().get("currentContext")
        if isinstance(current, str) and current:
            return current
    return "default"


def _host_of(context: str) -> str | None:
    """Return the address of a context; None where there is none, which the docker client reports."""
    from docker.context import ContextAPI

    try:
        found = ContextAPI.get_context(context)
    except Exception:  # of a damaged file the SDK raises what its reader raises
        return None
    return None if found is None else str(found.Host)


def configuration() -> dict[str, Any]:
    """Return the docker client's configuration, empty where there is none; raise CommandFailed if it is unreadable."""
    path = Path(os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")) / "config.json"  # noqa: PTH111
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandFailed(
            f"can't read docker's configuration: {error}", at=Mark(str(path), 1), hint="docker itself can't either"
        ) from error
    return content if isinstance(content, dict) else {}


def has_login(registry: str) -> bool:
    """Return whether docker has a login for a registry, in its configuration or with a credential helper.

    Raises CommandFailed when the configuration can't be read or the helper fails.
    """
    from docker import auth
    from docker.errors import DockerException

    config = auth.load_config(config_dict=configuration())
    try:
        with warnings.catch_warnings():
            # The SDK warns of a missing helper before it raises.
            warnings.simplefilter("ignore", UserWarning)
            return bool(config.resolve_authconfig(None if registry == DOCKER_HUB else registry))
    except DockerException as error:
        raise CommandFailed(
            f"docker's credential helper fails for {registry}: {error}",
            hint="install the helper, or remove it from docker's config.json",
        ) from error


def reason_of(error: BaseException) -> str:
    """Return the system's reason that an error of the SDK was raised for, else the error's first line."""
    from http.client import BadStatusLine, RemoteDisconnected

    first = ""
    for each in _causes(error):
        if isinstance(each, TimeoutError):
            return "timed out"
        if isinstance(each, RemoteDisconnected):
            return "it closed the connection without an answer"
        if isinstance(each, BadStatusLine):
            return "it doesn't speak HTTP"
        if isinstance(each, OSError) and each.strerror:
            return each.strerror.lower()
        first = first or (str(each).splitlines() or [""])[0]
    return first or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it wraps: requests and urllib3 keep what they wrap as an argument or a cause."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            wrapped = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
            waiting += [other for other in wrapped if isinstance(other, BaseException)]


def refusal_of(error: BaseException) -> tuple[int, str] | None:
    """Return the status and the message of an engine that answered and refused; None where none answered."""
    from docker.errors import APIError

    found = next((each for each in _causes(error) if isinstance(each, APIError)), None)
    return None if found is None else (int(found.status_code or 0), str(found.explanation or found))


# What ssh and the network say of a fault that may be over in a moment.
PASSING = re.compile(r"timed? ?out|connection reset|temporary failure|temporarily unavailable|broken pipe", re.I)


def is_passing(error: BaseException, reason: str) -> bool:
    """Return whether another try may succeed."""
    return any(isinstance(each, TimeoutError) for each in _causes(error)) or bool(PASSING.search(reason))


def inactive_group(address: str | None) -> str | None:
    """Return the group of a socket that this user has joined, and that this login doesn't have yet; None for others."""
    if address is None:
        return None
    try:
        group = grp.getgrgid(Path(address.removeprefix("unix://")).stat().st_gid)
        user = pwd.getpwuid(os.getuid()).pw_name
    except (OSError, KeyError):  # no such socket, or a user or group without a name
        return None
    return group.gr_name if user in group.gr_mem and group.gr_gid not in (os.getgid(), *os.getgroups()) else None


def unreachable(endpoint: Endpoint, reason: str, *, client: bool, joined: str | None = None) -> str:
    """Return what to do about an engine that can't be reached; ``client`` is whether docker is installed.

    ``joined`` is the group that the user has joined without logging in again. The reasons are those of the system, of
    ssh and of the docker client.
    """
    words = reason.lower()
    command = " ".join(endpoint.docker)
    if "permission denied" in words and not endpoint.is_ssh and "publickey" not in words:
        if joined is not None:
            return (
                f"this user has joined the group {joined}, but this login began before: log out and in again, or start "
                f"a shell with it: newgrp {joined}"
            )
        return (
            "this user may not use the engine's socket: join its group (sudo usermod -aG docker $USER, then log in "
            "again), or use a rootless engine (docker context use rootless)"
        )
    if endpoint.is_ssh or "ssh" in words:
        return (
            f"try it by hand: {command} version; ssh must get in without a question: its key in the ssh agent or "
            "named in ~/.ssh/config, the host in ~/.ssh/known_hosts; and docker must be on the PATH there"
        )
    if "context" in words and "not found" in words:
        return "docker context ls lists the contexts"
    if any(each in words for each in ("no such host", "name or service not known", "name resolution", "nodename")):
        return "the host's name is not known: check it in --host, DOCKER_HOST or the context"
    if any(each in words for each in ("x509", "tls", "certificate", "https")):
        return "the engine speaks TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context with certificates"
    if not client:
        return "install Docker Engine 23 or newer: https://docs.docker.com/engine/install/"
    if "no such file" in words:
        return (
            "the socket does not exist: start Docker (sudo systemctl start docker, or Docker Desktop), "
            "or name another engine with --host or --context"
        )
    if "refused" in words:
        return "nothing listens there: start the engine, or name another with --host or --context"
    return "start it, or name another with --host or --context"
