"""relbuild sbom: the bill of materials of an image, as CycloneDX."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relbuild.commands.inspect import look_into
from relbuild.commands.release_image import newest_image
from relbuild.commands.session import Session
from relbuild.engine import files
from relbuild.image import reference as references
from relbuild.image.inspect.contents import debian_packages
from relbuild.image.inspect.sbom import make_bill

STDOUT = ("-", "/dev/stdout")


@dataclass(frozen=True, slots=True)
class Billed:
    """A bill of materials, and the file it was written to."""

    document: Mapping[str, Any]
    file: str | None = None
    dry_run: bool = False
    exit_code: int = 0

    def text(self) -> str:
        if self.file is None:
            return rendered(self.document).removesuffix("\n")
        return f"would write {self.file}" if self.dry_run else self.file

    def data(self) -> dict[str, Any]:
        return {"file": None if self.dry_run else self.file, "sbom": self.document}


def sbom(session: Session, reference: str | None, file: str | None = None) -> Billed:
    """Return the bill of materials of an image, the project's newest one by default; write it where a file is named.

    Raises UsageError for an image that holds no release and CommandFailed where there is none.
    """
    if file is not None and file not in STDOUT:
        files.require_writable("--output", file)
    if reference is not None:
        references.require(reference)
    image, content = look_into(session, reference or newest_image(session))
    made = make_bill(image, debian_packages(content.files, content.read))
    for note in made.notes:
        session.note(note)
    if file is None or file in STDOUT:
        return Billed(made.document)
    if not session.dry_run:
        files.write(Path(file), rendered(made.document))
    return Billed(made.document, file, session.dry_run)


def rendered(document: Mapping[str, Any]) -> str:
    """Return the document as its file has it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
