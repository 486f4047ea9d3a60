"""A release's command as a value: ``bin/NAME VERB ARGS``, wherever it will run."""

from __future__ import annotations

from dataclasses import dataclass

ROOT = "/app"


@dataclass(frozen=True, slots=True)
class ReleaseCommand:
    """One call of a release's boot script; ``root`` is the release's directory inside the image."""

    release: str
    verb: str
    args: tuple[str, ...] = ()
    root: str = ROOT

    @property
    def program(self) -> str:
        """The boot script."""
        return f"{self.root}/bin/{self.release}"

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole argv inside the place."""
        return (self.program, self.verb, *self.args)


def start(release: str) -> ReleaseCommand:
    """Return the command that boots the system in the foreground."""
    return ReleaseCommand(release, "start")


def evaluate(release: str, expression: str, *args: str) -> ReleaseCommand:
    """Return the command that evaluates an expression in a VM of its own; extra arguments need Elixir 1.15."""
    return ReleaseCommand(release, "eval", (expression, *args))


def version(release: str) -> ReleaseCommand:
    """Return the command that prints the release's name and version; it starts no VM."""
    return ReleaseCommand(release, "version")
