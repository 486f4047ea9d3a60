"""What a command returns: frozen values that the output module renders for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from relbuild.errors import Problem


@dataclass(frozen=True, slots=True)
class TextTable:
    """Rows of a table, which is laid out within the terminal's width; columns that are empty throughout are left out.

    ``right`` are the columns that are aligned to the right, counted from 0; ``indent`` is in columns of the terminal.
    """

    rows: tuple[tuple[str, ...], ...]
    header: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    indent: int = 0


# What people read: lines as they are, and tables between them.
Content = str | TextTable | tuple[str | TextTable, ...]


class Result(Protocol):
    """A command's outcome."""

    @property
    def exit_code(self) -> int:
        """The process's exit code."""

    def text(self) -> Content:
        """Return what goes to stdout for people, without the last newline; empty for nothing."""

    def data(self) -> dict[str, Any]:
        """Return the ``data`` of the JSON envelope."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, as a Dockerfile or a schema."""

    content: str
    name: str
    exit_code: int = 0

    def text(self) -> str:
        return self.content.removesuffix("\n")

    def data(self) -> dict[str, Any]:
        return {self.name: self.content}


@dataclass(frozen=True, slots=True)
class Written:
    """The files a command wrote or left as they were, by their path from the project."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...] = ()
    dry_run: bool = False
    exit_code: int = 0

    def text(self) -> str:
        lines = [f"{'would write' if self.dry_run else 'wrote'} {path}" for path in self.written]
        lines += [f"unchanged {path}" for path in self.unchanged]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        return {"written": list(self.written), "unchanged": list(self.unchanged)}


@dataclass(frozen=True, slots=True)
class Built:
    """An image that was built and tagged, and pushed with --push.

    ``references`` name it for other commands: its tags, or once pushed its repositories with the digest. ``digest`` is
    the manifest's as a pull resolves it; None where the engine knows none (an image store without manifests, before a
    push). Sizes are bytes: ``size`` uncompressed, ``packed`` as a registry has it; the engine knows one of them.
    ``findings`` are those of the checks, each with its platform in an image of several.
    """

    references: tuple[str, ...]
    id: str
    digest: str | None
    tags: tuple[str, ...]
    pushed: bool
    size: int | None = None
    packed: int | None = None
    findings: tuple[tuple[Any, str | None], ...] = ()
    warnings: tuple[Problem, ...] = ()
    exit_code: int = 0

    @property
    def reference(self) -> str:
        """The first of the references."""
        return self.references[0]

    def text(self) -> str:
        return "\n".join(self.references)

    def data(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "id": self.id,
            "digest": self.digest,
            "tags": list(self.tags),
            "pushed": self.pushed,
            "size": self.size,
            "packed": self.packed,
            "findings": [{**asdict(finding), "platform": platform} for finding, platform in self.findings],
            "warnings": [
                {
                    "message": each.message,
                    "file": each.at.file if each.at else None,
                    "line": each.at.line if each.at else None,
                    "column": each.at.column if each.at else None,
                }
                for each in self.warnings
            ],
        }


@dataclass(frozen=True, slots=True)
class Ran:
    """A release's command that has ended; ``exit_code`` is the release's own.

    ``output`` is None if it was passed on; output that isn't UTF-8 is in ``raw``. ``reason`` is the
    last line that a failed command wrote to stderr.
    """

    exit_code: int
    argv: tuple[str, ...]
    output: str | None = None
    raw: bytes | None = None
    reason: str = ""

    def text(self) -> str:
        return self.output or ""

    def data(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"argv": list(self.argv), "output": self.output}
        if self.raw is not None:
            from base64 import b64encode

            kept["output_base64"] = b64encode(self.raw).decode()
        return kept


@dataclass(frozen=True, slots=True)
class ReleaseVersion:
    """The release's answer to ``version``: ``NAME VERSION``."""

    ran: Ran

    @property
    def exit_code(self) -> int:
        return self.ran.exit_code

    @property
    def reason(self) -> str:
        return self.ran.reason

    def text(self) -> str:
        return self.ran.text()

    def data(self) -> dict[str, Any]:
        name, _, version = (self.ran.output or "").strip().rpartition(" ")
        return {**self.ran.data(), "name": name or None, "version": version or None}


@dataclass(frozen=True, slots=True)
class ListedContainer:
    """A container of the project; ``status`` is the engine's text for people."""

    name: str
    id: str
    image: str
    version: str | None
    state: str
    status: str
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedContainers:
    """The containers of the project."""

    containers: tuple[ListedContainer, ...]
    exit_code: int = 0

    def text(self) -> Content:
        if not self.containers:
            return ""
        return TextTable(
            tuple(
                (each.name, each.image, each.version or "", each.status, ", ".join(each.ports))
                for each in self.containers
            ),
            header=("NAME", "IMAGE", "VERSION", "STATUS", "PORTS"),
        )

    def data(self) -> dict[str, Any]:
        return {"containers": [asdict(each) for each in self.containers]}


@dataclass(frozen=True, slots=True)
class DryRun:
    """The commands that would run, in their order, quoted for a shell."""

    commands: tuple[str, ...]
    exit_code: int = 0

    def text(self) -> str:
        return "\n".join(self.commands)

    def data(self) -> dict[str, Any]:
        return {"commands": list(self.commands)}
