"""Names of images: taken apart, put together, sent to a mirror."""

from __future__ import annotations

from dataclasses import replace

from relbuild.values import dataclass

DOCKER_HUB = "docker.io"


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

    def at(self, mirror: str | None) -> Reference:
        """Return where a mirror of Docker Hub has it; other registries' images stay where they are."""
        if mirror is None or self.registry != DOCKER_HUB:
            return self
        registry, slash, path = mirror.partition("/")
        return replace(self, registry=registry, repository=f"{path}{slash}{self.repository}")

    def pinned(self, digest: str | None) -> Reference:
        """Return the name with a digest, which decides; the tag stays to tell people what it was."""
        return self if digest is None else replace(self, digest=digest)
