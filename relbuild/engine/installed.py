"""Where this relbuild was installed from, so that another machine can install the same."""

from __future__ import annotations

import json
from contextlib import suppress

from relbuild import __version__


def requirement() -> str | None:
    """Return what pip installs to have this relbuild; None where it came from a directory or file of this machine."""
    from importlib import metadata

    text = None
    with suppress(metadata.PackageNotFoundError, OSError):
        text = metadata.distribution("relbuild").read_text("direct_url.json")
    return of(text)


def of(direct_url: str | None) -> str | None:
    """Return the requirement for what pip noted in direct_url.json: nothing for a package of an index (PEP 610)."""
    if direct_url is None:
        return f"relbuild=={__version__}"
    noted = json.loads(direct_url)
    url, vcs = noted["url"], noted.get("vcs_info")
    if url.startswith("file:"):
        return None
    return f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else str(url)
