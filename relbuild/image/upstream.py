"""Where a secret's value can't come from the build: a short one, or a common word, stands in some file by chance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from relbuild.image import labels
from relbuild.image.leaks import Leak

# How Debian's own base images name their only layer (debuerreotype); a Dockerfile's begin with its instruction.
DEBIAN = "# debian.sh "
# What relbuild's Dockerfile copies from the build though nothing in it is the project's: ERTS, OTP and Elixir; and, of
# a minimal image, what it takes from Debian.
COPIED = re.compile(r"COPY /(?:layers/otp|rootfs)/ / ")
# dpkg's checksums of the files of its packages, where Debian and where images without a package manager have them.
CHECKSUMS = re.compile(r"var/lib/dpkg/(?:info|status\.d)/[^/]+\.md5sums")


def sifted(
    leaks: Iterable[Leak],
    *,
    base: int,
    instructions: Sequence[str],
    is_packaged: Callable[[Leak], bool],
) -> Iterator[Leak]:
    """Yield the leaks without secrets in files that no build has written, those of OTP's own files as a suspicion.

    ``base`` is how many layers are the base image's, ``instructions`` what made each of relbuild's own images,
    ``is_packaged`` tells that a file is as its Debian package has it.
    """
    for leak in leaks:
        if leak.kind != "secret" or leak.layer is None:
            yield leak
        elif leak.layer < base or is_packaged(leak):
            continue
        else:
            copied = leak.layer < len(instructions) and COPIED.match(instructions[leak.layer])
            yield replace(leak, certain=False) if copied else leak


def base_layers(diff_ids: Sequence[str], base: Sequence[str], instructions: Sequence[str]) -> int:
    """Return how many of an image's layers, from the lowest up, are those of its base image; ``diff_ids`` name each."""
    same = next((index for index, (own, its) in enumerate(zip(diff_ids, base, strict=False)) if own != its), None)
    known = min(len(diff_ids), len(base)) if same is None else same
    return max(known, int(bool(instructions) and instructions[0].startswith(DEBIAN)))


def base_reference(said: Mapping[str, str]) -> str | None:
    """Return the image that an image's labels say it stands on, by its digest where they have it."""
    from relbuild.image.reference import Reference

    name, digest = said.get(labels.OCI_BASE_NAME), said.get(labels.OCI_BASE_DIGEST)
    if not name:
        return None
    return str(replace(Reference.parse(name), tag=None, digest=digest)) if digest else name


def checksums(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield the paths in one of dpkg's lists of checksums, each with its MD5."""
    for line in text.decode(errors="replace").splitlines():
        checksum, _, path = line.partition("  ")
        yield path, checksum


def packaged_as(path: str) -> tuple[str, ...]:
    """Return how a package may call a file: /bin, /sbin and /lib are links into /usr since Debian 12."""
    return (path, path.removeprefix("usr/")) if path.startswith("usr/") else (path,)
