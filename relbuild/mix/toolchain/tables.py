"""Facts of Elixir, OTP and Debian that ship with relbuild, for when no index can be asked; as of October 2026.

Where they come from: Elixir's own "Compatibility and deprecations" page (its 1.18 edition for OTP 28, which later
editions leave out), the package indexes of Debian, the Dockerfiles that hexpm/bob builds hexpm/erlang from, the
official images' library files. Every hexpm/elixir tag below was seen in a public Dockerfile, CI file or deployment
document, none was asked of the index of hexpm/bob, which knows them all.
"""

from __future__ import annotations

from typing import NamedTuple


class Support(NamedTuple):
    """The OTP majors an Elixir line supports, and the one more that a patch release took up."""

    first: int
    last: int
    also: int | None = None
    also_from_patch: int = 0


class DebianElixir(NamedTuple):
    """What apt installs in a Debian release."""

    elixir: str
    otp: str
    has_hex: bool
    moving: bool = False


ELIXIR_OTP: dict[str, Support] = {
    "1.9": Support(20, 22),
    "1.10": Support(21, 22, 23, 3),
    "1.11": Support(21, 23, 24, 4),
    "1.12": Support(22, 24),
    "1.13": Support(22, 24, 25, 4),
    "1.14": Support(23, 25, 26, 5),
    "1.15": Support(24, 26),
    "1.16": Support(24, 26),
    "1.17": Support(25, 27),
    "1.18": Support(25, 27, 28, 4),
    "1.19": Support(26, 28),
    "1.20": Support(27, 29),
    "1.21": Support(27, 29),
}

# The newest patch of each line; every patch from 0 up to it was released.
ELIXIR_NEWEST: dict[str, int] = {
    "1.10": 4,
    "1.11": 4,
    "1.12": 3,
    "1.13": 4,
    "1.14": 5,
    "1.15": 8,
    "1.16": 3,
    "1.17": 3,
    "1.18": 5,
    "1.19": 6,
    "1.20": 4,
}

OTP_NEWEST: dict[int, str] = {
    23: "23.3.4.20",
    24: "24.3.4.17",
    25: "25.3.2.21",
    26: "26.2.5.21",
    27: "27.3.4.18",
    28: "28.5.0.7",
    29: "29.1.1",
}

# hexpm builds nothing older against these releases' OpenSSL 3.
HEXPM_OLDEST_OTP: dict[str, str] = {"trixie": "24.2", "bookworm": "24.2", "bullseye": "20.0"}

# The official image: newest patch of a line, and the Debian release below each OTP.
OFFICIAL_NEWEST: dict[str, int] = {
    "1.12": 3,
    "1.13": 4,
    "1.14": 5,
    "1.15": 8,
    "1.16": 3,
    "1.17": 3,
    "1.18": 4,
    "1.19": 5,
    "1.20": 3,
}
OFFICIAL_DEBIAN: dict[int, str] = {
    24: "bullseye",
    25: "bullseye",
    26: "bookworm",
    27: "bookworm",
    28: "trixie",
    29: "trixie",
}

# In order of preference: Debian's current stable release first.
CODENAMES: tuple[str, ...] = ("trixie", "bookworm", "bullseye", "forky", "sid")
DEBIAN_NUMBERS: dict[str, str] = {"11": "bullseye", "12": "bookworm", "13": "trixie"}

DEBIAN_ELIXIR: dict[str, DebianElixir] = {
    "bookworm": DebianElixir("1.14.0", "25.2.3", has_hex=False),
    "trixie": DebianElixir("1.18.3", "27.3.4.1", has_hex=True),
    "forky": DebianElixir("1.20.4", "29.1.1", has_hex=True, moving=True),
    "sid": DebianElixir("1.20.4", "29.1.2", has_hex=True, moving=True),
}

# What apt installs as cargo; of a release that still moves it isn't known. Firefox takes a newer Rust than a stable
# release has, and Debian builds it for that: anyone may take it.
DEBIAN_RUST: dict[str, str] = {"bullseye": "1.48.0", "bookworm": "1.63.0", "trixie": "1.85.1"}
DEBIAN_NEWER_RUST: dict[str, tuple[str, str]] = {
    "bookworm": ("cargo-web", "1.96.0"),
    "trixie": ("cargo-web", "1.96.0"),
}

# The shared libraries ERTS, crypto and ssl are linked against.
OPENSSL: dict[str, str] = {
    "bullseye": "libssl1.1",
    "bookworm": "libssl3",
    "trixie": "libssl3t64",
    "forky": "libssl3t64",
    "sid": "libssl3t64",
}

HEXPM_TAGS: tuple[str, ...] = (
    "1.14.5-erlang-25.3.2.2-debian-bookworm-20230612-slim",
    "1.14.5-erlang-25.3.2.3-debian-bullseye-20230612-slim",
    "1.14.5-erlang-25.3.2.16-debian-bullseye-20241223",
    "1.14.5-erlang-25.3.2.21-debian-bookworm-20260713-slim",
    "1.14.5-erlang-26.0.2-debian-bookworm-20230612-slim",
    "1.14.5-erlang-26.2.2-debian-bullseye-20240130",
    "1.15.7-erlang-26.0.2-debian-bullseye-20231009-slim",
    "1.15.7-erlang-26.1.1-debian-bookworm-20230612-slim",
    "1.15.7-erlang-26.1.2-debian-bookworm-20231009-slim",
    "1.15.8-erlang-26.2.5.2-debian-bookworm-20240812-slim",
    "1.16.2-erlang-26.2.1-debian-bullseye-20240130-slim",
    "1.16.2-erlang-26.2.2-debian-bookworm-20240130",
    "1.16.2-erlang-26.2.4-debian-bookworm-20240423-slim",
    "1.16.2-erlang-26.2.5-debian-bullseye-20240513-slim",
    "1.16.3-erlang-26.2.5-debian-bookworm-20240701-slim",
    "1.16.3-erlang-26.2.5.21-debian-bookworm-20260824-slim",
    "1.17.2-erlang-27.0-debian-bookworm-20240701-slim",
    "1.17.2-erlang-27.0.1-debian-bookworm-20240722-slim",
    "1.17.3-erlang-26.2.5.21-debian-bookworm-20260803-slim",
    "1.17.3-erlang-27.1-debian-bookworm-20240904",
    "1.17.3-erlang-27.1.2-debian-bookworm-20241016-slim",
    "1.17.3-erlang-27.3.4-debian-bookworm-20250520-slim",
    "1.17.3-erlang-27.3.4.14-debian-bookworm-20260623-slim",
    "1.17.3-erlang-27.3.4.16-debian-bookworm-20260803-slim",
    "1.18.1-erlang-27.2-debian-bookworm-20250113-slim",
    "1.18.3-erlang-27.3-debian-bullseye-20250317-slim",
    "1.18.3-erlang-27.3.4-debian-bookworm-20250428",
    "1.18.3-erlang-27.3.4.3-debian-trixie-20250929-slim",
    "1.18.4-erlang-25.3.2.21-debian-bookworm-20260803",
    "1.18.4-erlang-26.2.5.21-debian-trixie-20260610",
    "1.18.4-erlang-27.2.4-debian-bookworm-20260824-slim",
    "1.18.4-erlang-27.3.4.2-debian-bookworm-20250811-slim",
    "1.18.4-erlang-27.3.4.2-debian-trixie-20250811-slim",
    "1.18.4-erlang-27.3.4.6-debian-trixie-20260223",
    "1.18.4-erlang-27.3.4.16-debian-bookworm-20260824-slim",
    "1.18.4-erlang-27.3.4.18-debian-bookworm-20260918-slim",
    "1.18.4-erlang-28.0.1-debian-bookworm-20250630-slim",
    "1.18.4-erlang-28.0.2-debian-bookworm-20260202-slim",
    "1.18.4-erlang-28.1-debian-trixie-20250908",
    "1.18.4-erlang-28.4.3-debian-trixie-20260610-slim",
    "1.18.5-erlang-27.2.4-debian-bookworm-20260824-slim",
    "1.18.5-erlang-27.3.4.17-debian-bookworm-20260824-slim",
    "1.18.5-erlang-27.3.4.17-debian-trixie-20260824-slim",
    "1.18.5-erlang-27.3.4.18-debian-bookworm-20261005-slim",
    "1.19.2-erlang-28.1.1-debian-trixie-20260610-slim",
    "1.19.5-erlang-28.1.1-debian-bookworm-20260824-slim",
    "1.19.5-erlang-28.3-debian-bookworm-20260202-slim",
    "1.19.5-erlang-28.3-debian-trixie-20260202-slim",
    "1.19.5-erlang-28.3.1-debian-bookworm-20260518-slim",
    "1.19.5-erlang-28.3.2-debian-bookworm-20260421-slim",
    "1.19.5-erlang-28.3.3-debian-bookworm-20260824-slim",
    "1.19.5-erlang-28.4.3-debian-bookworm-20260824-slim",
    "1.19.5-erlang-28.4.3-debian-trixie-20260803",
    "1.19.5-erlang-28.5-debian-bookworm-20260505",
    "1.19.5-erlang-28.5-debian-trixie-20260610-slim",
    "1.19.5-erlang-28.5.0.1-debian-bookworm-20260518-slim",
    "1.19.5-erlang-28.5.0.5-debian-bookworm-20260824-slim",
    "1.19.5-erlang-28.5.0.5-debian-trixie-20260824-slim",
    "1.19.6-erlang-27.3.4.16-debian-bookworm-20260824-slim",
    "1.19.6-erlang-28.3.3-debian-bookworm-20261005-slim",
    "1.19.6-erlang-28.5.0.5-debian-bookworm-20260824",
    "1.19.6-erlang-28.5.0.6-debian-bookworm-20260918-slim",
    "1.19.6-erlang-28.5.0.7-debian-bookworm-20261005-slim",
    "1.20.0-erlang-29.0.1-debian-trixie-20260610-slim",
    "1.20.0-erlang-29.0.2-debian-bookworm-20260610",
    "1.20.3-erlang-28.5.0.5-debian-bookworm-20260803-slim",
    "1.20.3-erlang-28.5.0.5-debian-trixie-20260803-slim",
    "1.20.3-erlang-29.0.5-debian-bookworm-20260803-slim",
    "1.20.3-erlang-29.0.5-debian-trixie-20260803-slim",
    "1.20.4-erlang-27.3.4.18-debian-bookworm-20260918-slim",
    "1.20.4-erlang-28.5.0.5-debian-bookworm-20260824-slim",
    "1.20.4-erlang-28.5.0.6-debian-trixie-20260824-slim",
    "1.20.4-erlang-28.5.0.7-debian-bookworm-20260918-slim",
    "1.20.4-erlang-28.5.0.7-debian-trixie-20260918-slim",
    "1.20.4-erlang-29.0.5-debian-trixie-20260824-slim",
    "1.20.4-erlang-29.0.6-debian-bookworm-20260824-slim",
    "1.20.4-erlang-29.0.6-debian-trixie-20260824-slim",
    "1.20.4-erlang-29.1-debian-bookworm-20260918-slim",
    "1.20.4-erlang-29.1-debian-trixie-20260918-slim",
    "1.20.4-erlang-29.1.1-debian-bookworm-20260918-slim",
    "1.20.4-erlang-29.1.1-debian-trixie-20260918-slim",
)
