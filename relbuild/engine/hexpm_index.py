"""The index of hexpm's images: which tags there are, and for which platforms."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from relbuild import __version__
from relbuild.engine.connection import reason_of
from relbuild.errors import PassingFault, UsageError

if TYPE_CHECKING:
    from requests import Response

ADDRESS = "https://bob.hex.pm"
VARIABLE = "RELBUILD_HEXPM_INDEX"
# Seconds to wait for a connection, and for each part of an answer.
TIMEOUT = 10.0
# What one search gives at most: pages of 100 (lib/bob/artifacts/docker_tag_search.ex of hexpm/bob).
MAX_PAGES = 20


@dataclass(frozen=True, slots=True)
class IndexedTag:
    """A tag of the index, and the platforms it was built for; none where the index doesn't list them."""

    tag: str
    platforms: tuple[str, ...]


def search(query: Mapping[str, str]) -> tuple[IndexedTag, ...]:
    """Return the tags that the index has for a query; raise PassingFault when it doesn't answer with tags.

    The environment variable RELBUILD_HEXPM_INDEX names another index than https://bob.hex.pm.
    """
    base = os.environ.get(VARIABLE) or ADDRESS
    if not base.startswith(("https://", "http://")):
        raise UsageError(f"{VARIABLE}={base}: it is no address", hint=f"write one such as {ADDRESS}")
    found: list[IndexedTag] = []
    for _ in range(MAX_PAGES):
        url = f"{base.rstrip('/')}/api/docker?{urlencode({**query, 'offset': len(found)})}"
        page, total = _page(_get(url), base)
        found += page
        if not page or len(found) >= total:
            break
    return tuple(found)


def _get(url: str) -> Response:
    import requests

    headers = {"User-Agent": f"relbuild/{__version__}", "Accept": "application/json"}
    try:
        return requests.get(url, headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise PassingFault(
            f"{urlsplit(url).netloc} does not answer: {reason_of(error)}",
            hint="is the network there, and a proxy where one is needed (HTTPS_PROXY)? try again later",
        ) from error


def _page(answer: Response, base: str) -> tuple[list[IndexedTag], int]:
    try:
        content = answer.json()
        tags = [
            IndexedTag(str(each["tag"]), tuple(f"linux/{arch}" for arch in each.get("archs") or ()))
            for each in content["tags"]
        ]
        total = int(content.get("total", 0))
    except (ValueError, TypeError, KeyError, AttributeError):
        tags, total = None, 0
    if answer.status_code != 200 or tags is None:
        raise PassingFault(f"{base} answers {answer.status_code} without a list of tags", hint="try again later")
    return tags, total
