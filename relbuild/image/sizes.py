"""Sizes for people."""

from __future__ import annotations


def shown(size: int | None) -> str:
    """Return a size in bytes as people read it, in powers of ten as registries count; empty where it isn't known."""
    if size is None:
        return ""
    if abs(size) >= 100_000:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e3:.1f} kB" if abs(size) >= 1000 else f"{size} B"


def change(size: int) -> str:
    """Return a difference in bytes with its sign."""
    return f"+{shown(size)}" if size > 0 else f"-{shown(-size)}" if size < 0 else "0 B"
