"""Names of images: taken apart, put together, sent to a mirror."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from relbuild.errors import UsageError

DOCKER_HUB = "docker.io"
LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]+){3}|\[::1\])(?::[0-9]+)?")
# https://docs.docker.com/reference/cli/docker/image/tag/: what a tag is made of.
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
REPOSITORY = re.compile(
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
# An image's id is of the same form, as a name or a name with a tag.
NAMED = re.compile(rf"{REPOSITORY.pattern}(?::{TAG.pattern})?(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{{32,}})?")


def require(text: str) -> None:
    """Raise UsageError for what is no image's name and no id: Docker would refuse it, in other words each time."""
    if not NAMED.fullmatch(text):
        small = text.lower()
        hint = f"write {small}" if small != text and NAMED.fullmatch(small) else "write it as in shop:1.0"
        raise UsageError(
            f"{text!r} is no image reference: that is [REGISTRY/]NAME[:TAG][@DIGEST], the name in small letters",
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name as Docker understands it: ``debian:trixie-slim`` is docker.io's library/debian.

    https://pkg.go.dev/github.com/distribution/reference: the first part is a registry when it has a dot or a colon, or
    is localhost.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the parts of ``[REGISTRY/]REPOSITORY[:TAG][@DIGEST]``; the tag is ``latest`` where there is none."""
        name, _, digest = text.partition("@")
        head, slash, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        first, divider, rest = f"{head}{slash}{last}".partition("/")
        if not divider or not (set(first) & set(".:[") or first == "localhost"):
            first, rest = DOCKER_HUB, f"{first}{divider}{rest}"
        if first == DOCKER_HUB and "/" not in rest:
            rest = f"library/{rest}"
        return cls(first, rest, tag or (None if digest else "latest"), digest or None)

    def __str__(self) -> str:
        """Return the name as people write it: without what Docker adds by itself."""
        name = f"{self.registry}/{self.repository}"
        if self.registry == DOCKER_HUB:
            name = self.repository.removeprefix("library/")
        return f"{name}{f':{self.tag}' if self.tag else ''}{f'@{self.digest}' if self.digest else ''}"

    @property
    def is_loopback(self) -> bool:
        """Return whether its registry is on this machine, where docker needs no TLS."""
        return LOOPBACK.fullmatch(self.registry) is not None

    @property
    def login(self) -> str:
        """The command that logs in to its registry; Docker Hub goes without a name."""
        return "docker login" if self.registry == DOCKER_HUB else f"docker login {self.registry}"

    def at(self, mirror: str | None) -> Reference:
        """Return where a mirror of Docker Hub has it; other registries' images stay where they are."""
        if mirror is None or self.registry != DOCKER_HUB:
            return self
        registry, slash, path = mirror.partition("/")
        return replace(self, registry=registry, repository=f"{path}{slash}{self.repository}")

    def pinned(self, digest: str | None) -> Reference:
        """Return the name with a digest, which decides; the tag stays to tell people what it was."""
        return self if digest is None else replace(self, digest=digest)
