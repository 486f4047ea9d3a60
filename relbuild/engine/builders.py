"""Which builder docker builds with, as buildx keeps it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

# The builder that an engine has in it, which starts from the images that the engine has.
BUILT_IN = ("", "default")


def is_own() -> bool:
    """Tell whether the user has chosen another builder than the engine's: it asks the registry for every base.

    https://docs.docker.com/build/builders/#selected-builder
    """
    named = os.environ.get("BUILDX_BUILDER")
    if named is not None:
        return named not in BUILT_IN
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    with suppress(OSError, ValueError):
        chosen = json.loads((Path(os.environ.get("BUILDX_CONFIG") or docker / "buildx") / "current").read_bytes())
        return isinstance(chosen, dict) and str(chosen.get("Name") or "") not in BUILT_IN
    return False
