"""The Debian packages that an image says it has, and its distribution."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.filesystem import Entry, FileSystem
from relbuild.image.inspect.contents import DebianPackage, Distribution, debian_packages, read_distribution

STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.41-12
Description: GNU C Library: Shared libraries
 Package: not-one
 .
 more of it

Package: perl-base
Status: install ok installed
Version: 5.40.1-6
Source: perl (5.40.1-6+x)
Architecture: amd64

Package: removed
Status: deinstall ok config-files
Version: 1
"""
PACKAGES = (
    DebianPackage("libc6", "amd64", "2.41-12", "glibc", "2.41-12"),
    DebianPackage("perl-base", "amd64", "5.40.1-6", "perl", "5.40.1-6+x"),
)


def found(files: dict[str, bytes]) -> tuple[DebianPackage, ...] | None:
    system = FileSystem([{path: Entry("file", len(content)) for path, content in files.items()}])
    return debian_packages(system, files.get)


def test_the_status_of_dpkg() -> None:
    assert found({"var/lib/dpkg/status": STATUS}) == PACKAGES


def test_a_file_per_package() -> None:
    """Without a Status, as in images that were put together without dpkg."""
    assert found(
        {
            "var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 13\nArchitecture: all\n",
            "var/lib/dpkg/status.d/base.md5sums": b"0 etc/x\n",
            "var/lib/dpkg/status.d/tz": b"Package: tzdata\nVersion: 2025b\nArchitecture: all\n",
        }
    ) == (
        DebianPackage("base-files", "all", "13", "base-files", "13"),
        DebianPackage("tzdata", "all", "2025b", "tzdata", "2025b"),
    )


def test_no_record_is_not_no_package() -> None:
    assert found({"etc/x": b""}) is None
    assert found({"var/lib/dpkg/status": b""}) == ()


def test_the_distribution() -> None:
    said = b"# comment\nID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nPRETTY_NAME='Debian \\$13'\n"
    assert read_distribution({"etc/os-release": said}.get) == Distribution("debian", "13", "trixie", "Debian $13")
    assert read_distribution({"usr/lib/os-release": b"ID=alpine"}.get) == Distribution("alpine", None, None, "alpine")
    assert read_distribution({"etc/os-release": b"NAME=x"}.get) is None


@given(st.binary(max_size=100) | st.text("Package: Vrsion\n \t.", max_size=80).map(str.encode))
def test_whatever_stands_there_is_no_fault(content: bytes) -> None:
    found({"var/lib/dpkg/status": content, "etc/os-release": content})
    read_distribution({"etc/os-release": content}.get)
