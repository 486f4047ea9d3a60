"""Which Debian package has a shared library."""

from __future__ import annotations

import re

# Where the name doesn't follow from the library's; the second name is Debian 13's and later ones', whose 64-bit times
# renamed it. From the packages of bookworm and trixie.
PACKAGES: dict[str, tuple[str, str]] = {
    "libasound.so.2": ("libasound2", "libasound2t64"),
    "libcrypt.so.1": ("libcrypt1", "libcrypt1"),
    "libcrypto.so.3": ("libssl3", "libssl3t64"),
    "libcurl.so.4": ("libcurl4", "libcurl4t64"),
    "libgcc_s.so.1": ("libgcc-s1", "libgcc-s1"),
    "libglib-2.0.so.0": ("libglib2.0-0", "libglib2.0-0t64"),
    "libgobject-2.0.so.0": ("libglib2.0-0", "libglib2.0-0t64"),
    "libgnutls.so.30": ("libgnutls30", "libgnutls30t64"),
    "libjpeg.so.62": ("libjpeg62-turbo", "libjpeg62-turbo"),
    "libmagic.so.1": ("libmagic1", "libmagic1t64"),
    "libodbc.so.2": ("libodbc2", "libodbc2"),
    "libpng16.so.16": ("libpng16-16", "libpng16-16t64"),
    "libsnappy.so.1": ("libsnappy1v5", "libsnappy1v5"),
    "libssl.so.3": ("libssl3", "libssl3t64"),
    "libvips.so.42": ("libvips42", "libvips42t64"),
    "libvips-cpp.so.42": ("libvips42", "libvips42t64"),
    "libz.so.1": ("zlib1g", "zlib1g"),
}
# The C library's own parts.
GLIBC = re.compile(r"lib(?:c|m|dl|rt|pthread|resolv|util|nsl|anl)\.so\.\d+|ld-linux.*\.so\.\d+")
SONAME = re.compile(r"(?P<name>lib.+?)\.so\.(?P<version>[\w.]+)")
BEFORE_TIME_64 = ("buster", "bullseye", "bookworm")


def package(library: str, debian: str | None) -> str | None:
    """Return the Debian package that has a library, None where it can't be told.

    The rule is Debian Policy 8.1: the library's name and version, with a hyphen where the name ends in a digit.
    """
    if library in PACKAGES:
        before, since = PACKAGES[library]
        return before if debian in BEFORE_TIME_64 else since
    if library.startswith("libc.musl"):
        return None
    if GLIBC.fullmatch(library):
        return "libc6"
    found = SONAME.fullmatch(library)
    if found is None:
        return None
    hyphen = "-" if found["name"][-1].isdigit() else ""
    return f"{found['name']}{hyphen}{found['version']}".lower().replace("_", "-")
