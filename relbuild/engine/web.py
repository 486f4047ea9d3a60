"""GET over HTTP, within bounds of time and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from relbuild import __version__
from relbuild.errors import PassingFault

if TYPE_CHECKING:
    from email.message import Message

TIMEOUT = 10.0
"""Seconds to wait for a connection, and for each part of an answer."""
MAX_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; the names of the headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(url: str, headers: Mapping[str, str], authorization: str | None = None, timeout: float = TIMEOUT) -> Answer:
    """Return the answer of whatever status; the authorization goes to this server alone, not where it redirects to.

    Raises PassingFault when there is no answer. Proxies and certificates are those of the environment and the system.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": f"relbuild/{__version__}", **headers})
    if authorization is not None:
        request.add_unredirected_header("Authorization", authorization)
    try:
        try:
            with urlopen(request, timeout=timeout) as answer:
                return _answer(answer.status, answer.headers, answer.read(MAX_ANSWER))
        except HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read(MAX_ANSWER))
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise PassingFault(
            f"{urlsplit(url).netloc} does not answer: {getattr(reason, 'strerror', None) or reason}",
            hint="is the network there, and a proxy where one is needed (HTTPS_PROXY)? try again later",
        ) from error


def _answer(status: int, headers: Message[str, str], body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
