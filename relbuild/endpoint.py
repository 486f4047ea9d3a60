"""The Docker Engine a command talks to, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Docker Engine: the client's own default, a context by name, or an address (``unix://``, ``tcp://``, ``ssh://``)."""

    context: str | None = None
    host: str | None = None

    @property
    def docker(self) -> tuple[str, ...]:
        """The docker client's argv up to its command."""
        if self.host is not None:
            return ("docker", "--host", self.host)
        if self.context is not None:
            return ("docker", "--context", self.context)
        return ("docker",)

    @property
    def is_ssh(self) -> bool:
        """Whether it is known to be reached through ssh."""
        return self.host is not None and self.host.startswith("ssh://")

    def __str__(self) -> str:
        if self.host is not None:
            return self.host
        return f"context {self.context}" if self.context is not None else "the default Docker context"


DEFAULT = Endpoint()
