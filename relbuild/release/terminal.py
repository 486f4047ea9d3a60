"""The kinds of terminal that an image knows."""

from __future__ import annotations

# What Debian's ncurses-base describes, and so every Debian image knows; Erlang's shell is a dumb one where it doesn't.
KNOWN = frozenset(
    {
        *("ansi", "dumb", "linux", "rxvt", "rxvt-basic", "rxvt-unicode", "rxvt-unicode-256color", "screen"),
        *("screen-256color", "tmux", "tmux-256color", "vt100", "vt102", "vt220", "vt52", "xterm", "xterm-256color"),
        *("xterm-color", "xterm-mono"),
    }
)


def term(own: str) -> str:
    """Return what the terminal is called inside a container: its own kind, or the nearest an image knows."""
    return own if own in KNOWN else "xterm-256color"
