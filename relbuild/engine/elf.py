"""An ELF file's dynamic section, read with pyelftools."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

from relbuild.image.verify.libraries import Elf

MAGIC = b"\x7fELF"
# elf.h: VER_FLG_WEAK, a version that may be missing.
WEAK = 2
# No file has more tags or versions; a broken one may claim to.
MOST = 10_000


def read(content: bytes) -> Elf | None:
    """Return what the dynamic linker reads of a file; None when it is no ELF file, or a broken one."""
    from elftools.common.exceptions import ELFError
    from elftools.construct.core import ConstructError
    from elftools.elf.elffile import ELFFile

    if not content.startswith(MAGIC):
        return None
    try:
        return _read(ELFFile(io.BytesIO(content)))
    # What a broken one makes pyelftools raise is not limited to its own errors.
    except (ELFError, ConstructError, ValueError, LookupError, AttributeError, TypeError, OverflowError):
        return None


def _read(file: Any) -> Elf:
    tags: dict[str, list[str]] = {"needed": [], "rpath": [], "runpath": []}
    for dynamic in _dynamic(file):
        for tag in islice(dynamic.iter_tags(), MOST):
            kind = str(tag.entry.d_tag).removeprefix("DT_").lower()
            if kind in tags:
                tags[kind].append(getattr(tag, kind))
    wants: dict[str, tuple[str, ...]] = {}
    for library, versions in _versions(file, ".gnu.version_r"):
        wants[library.name] = tuple(each.name for each in islice(versions, MOST) if not each["vna_flags"] & WEAK)
    defines = {name.name for _, names in _versions(file, ".gnu.version_d") for name in islice(names, 1)}
    return Elf(
        machine=str(file["e_machine"]),
        needed=tuple(tags["needed"]),
        rpath=_split(tags["rpath"]),
        runpath=_split(tags["runpath"]),
        interpreter=next(
            (each.get_interp_name() for each in file.iter_segments() if each["p_type"] == "PT_INTERP"), None
        ),
        wants=wants,
        defines=frozenset(defines),
    )


def _dynamic(file: Any) -> Iterator[Any]:
    """Yield the dynamic section, or its segment where a file has no sections."""
    section = file.get_section_by_name(".dynamic")
    if section is not None:
        yield section
    else:
        yield from (each for each in file.iter_segments() if each["p_type"] == "PT_DYNAMIC")


def _versions(file: Any, name: str) -> Iterator[Any]:
    section = file.get_section_by_name(name)
    return iter(()) if section is None else islice(section.iter_versions(), MOST)


def _split(paths: list[str]) -> tuple[str, ...]:
    return tuple(part for path in paths for part in path.split(":") if part)
