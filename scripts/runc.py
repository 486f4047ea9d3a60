"""A fault of runc's own: its first process in a container ends at times, before anything of the container's ran.

Seen about once in ten thousand containers with Debian's runc 1.1; it says nothing of what was to run.
"""

from __future__ import annotations

RESET = "read init-p: connection reset by peer"
