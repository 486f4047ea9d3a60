"""TOML files of a project, which say where they are wrong."""

from __future__ import annotations

import re
from typing import Any

from relbuild.errors import Mark, ProjectError

_PLACE = re.compile(r"at line ([0-9]+), column ([0-9]+)")


def parse(file: str, text: str) -> dict[str, Any]:
    """Return a file's content; raise ProjectError where it is no TOML."""
    # Few projects have such a file; the others need not wait for the parser.
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ProjectError(f"{file}: nested too deeply", at=Mark(file, 1)) from error
    except ValueError as error:
        place = _PLACE.search(str(error))
        at = Mark(file, int(place[1]), int(place[2])) if place else Mark(file, 1)
        raise ProjectError(f"{file}: not TOML: {_PLACE.sub('', str(error)).removesuffix(' ()')}", at=at) from error
