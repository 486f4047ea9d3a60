"""An image's layers: what is known of each, and which instruction of a Dockerfile made it."""

from __future__ import annotations

import re
from dataclasses import dataclass

# How the engine writes an instruction into the history: the classic builder's marks, and BuildKit's.
_CLASSIC = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_RUN = re.compile(r"^(?:RUN (?:\|\d+ .*?)?)?/bin/sh -c ")
_BUILDKIT = re.compile(r"\s*# buildkit$")


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer; sizes are bytes.

    `size` is that of its archive, unpacked, `packed` as a registry has it, of which `digest` is; None where the engine
    keeps it unpacked only. `diff_id` is the digest of the unpacked archive. `instruction` is as the history has it.
    """

    diff_id: str
    digest: str | None
    size: int
    packed: int | None
    files: int
    instruction: str

    @property
    def made_by(self) -> str:
        """The instruction as one would write it, on one line."""
        text = _BUILDKIT.sub("", self.instruction)
        classic = _CLASSIC.match(text)
        text = text[classic.end() :] if classic else _RUN.sub("RUN ", text)
        return " ".join(text.split())
