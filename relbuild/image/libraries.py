"""Which Debian package has a shared library: known of those that releases are linked to, else guessed."""

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
    "libreadline.so.8": ("libreadline8", "libreadline8t64"),
    "libsnappy.so.1": ("libsnappy1v5", "libsnappy1v5"),
    "libssl.so.3": ("libssl3", "libssl3t64"),
    "libuv.so.1": ("libuv1", "libuv1t64"),
    "libvips.so.42": ("libvips42", "libvips42t64"),
    "libvips-cpp.so.42": ("libvips42", "libvips42t64"),
    "libxml2.so.2": ("libxml2", "libxml2"),
    "libxslt.so.1": ("libxslt1.1", "libxslt1.1"),
    "libz.so.1": ("zlib1g", "zlib1g"),
}
# Where it does follow, in bookworm and in trixie.
FOLLOWING = frozenset(
    {
        *("libatomic.so.1", "libbz2.so.1.0", "libexpat.so.1", "libffi.so.8", "libfontconfig.so.1", "libfreetype.so.6"),
        *("libgmp.so.10", "libgomp.so.1", "liblcms2.so.2", "liblzma.so.5", "libmariadb.so.3", "libncurses.so.6"),
        *("libncursesw.so.6", "libpcre2-8.so.0", "libpq.so.5", "librdkafka.so.1", "libsctp.so.1", "libsodium.so.23"),
        *("libsqlite3.so.0", "libstdc++.so.6", "libsystemd.so.0", "libtiff.so.6", "libtinfo.so.6", "libusb-1.0.so.0"),
        *("libuuid.so.1", "libwebp.so.7", "libyaml-0.so.2", "libzstd.so.1"),
    }
)
# The C library's own parts.
GLIBC = re.compile(r"lib(?:c|m|dl|rt|pthread|resolv|util|nsl|anl)\.so\.\d+|ld-linux.*\.so\.\d+")
SONAME = re.compile(r"(?P<name>lib.+?)\.so\.(?P<version>[\w.]+)")
BEFORE_TIME_64 = ("buster", "bullseye", "bookworm")


def package(library: str, debian: str | None) -> str | None:
    """Return the Debian package that has a library, None where it isn't known."""
    if library in PACKAGES:
        before, since = PACKAGES[library]
        return before if debian in BEFORE_TIME_64 else since
    if GLIBC.fullmatch(library):
        return "libc6"
    return guess(library) if library in FOLLOWING else None


def guess(library: str) -> str | None:
    """Return the Debian package that may have a library, None where its name says nothing of it.

    The rule is Debian Policy 8.1: the library's name and version, with a hyphen where the name ends in a digit. Many
    packages have another name.
    """
    found = SONAME.fullmatch(library)
    if found is None:
        return None
    hyphen = "-" if found["name"][-1].isdigit() else ""
    return f"{found['name']}{hyphen}{found['version']}".lower().replace("_", "-")
