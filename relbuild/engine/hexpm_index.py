"""The index of hexpm's images: which tags there are, and for which platforms."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from relbuild.engine import web
from relbuild.errors import PassingFault, UsageError

ADDRESS = "https://bob.hex.pm"
VARIABLE = "RELBUILD_HEXPM_INDEX"
# What one search gives at most: pages of 100 (lib/bob/artifacts/docker_tag_search.ex of hexpm/bob).
MAX_PAGES = 20


@dataclass(frozen=True, slots=True)
class IndexedTag:
    """A tag of the index, and the platforms it was built for; none where the index doesn't tell."""

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
        answer = web.get(url, {"Accept": "application/json"})
        page, total = _page(answer, base)
        found += page
        if not page or len(found) >= total:
            break
    return tuple(found)


def _page(answer: web.Answer, base: str) -> tuple[list[IndexedTag], int]:
    try:
        content = json.loads(answer.body)
        tags = [
            IndexedTag(str(each["tag"]), tuple(f"linux/{arch}" for arch in each.get("archs") or ()))
            for each in content["tags"]
        ]
        total = int(content.get("total", 0))
    except (ValueError, TypeError, KeyError, AttributeError):
        tags, total = None, 0
    if answer.status != 200 or tags is None:
        raise PassingFault(f"{base} answers with what is no list of tags ({answer.status})", hint="try again later")
    return tags, total
