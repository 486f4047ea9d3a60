"""relbuild env: the environment contract shown, an env file checked against it, an example written of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from relbuild.commands.release_image import release_image
from relbuild.commands.session import Session
from relbuild.commands.variables import problem_of, read_env_file
from relbuild.engine import files
from relbuild.errors import CommandFailed, Mark, UsageError
from relbuild.image import labels
from relbuild.image.plan.notes import build_time_notes
from relbuild.mix.environment import COMMAND, Contract, from_label, lacks, read_by_build, undecided
from relbuild.release.contract_text import Checked, Required, example_of
from relbuild.release.envfile import Entry
from relbuild.result import Document, Written

# How alike a name has to be to one of the release's for it to be a slip of the pen.
ALIKE = 0.8


def show(session: Session, reference: str | None) -> Required:
    """Return what a release needs: an image's by its label, or the project's; warn of what its build reads."""
    if reference is not None:
        return Required(_contract(session, reference)[0])
    project = session.project()
    contract = session.contract(project)
    for note in build_time_notes(read_by_build(session.tree(), project), project, session.config(), contract):
        session.warn(note)
    return Required(contract)


def check(session: Session, reference: str | None, file: str) -> Checked:
    """Return that an env file has all that is surely needed; names that look misspelt are warned of.

    Raises CommandFailed with everything that is missing.
    """
    entries = read_env_file(file, "--check")
    contract, given = _contract(session, reference)
    values = {each.name: value for each in entries if (value := _value(each)) is not None}
    for warning in _misspelt(contract, entries):
        session.warn(warning)
    whole = {**given, **values, COMMAND: "start"}
    found = lacks(contract, whole)
    if found:
        raise CommandFailed.of(problem_of(each, f"add it to {file}", Mark(file, 1)) for each in found)
    open_ = undecided(contract, whole)
    more = tuple(each for each in contract.possibly_more if each.what not in whole)
    return Checked(file, len(contract.of("required")), open_, more)


def example(session: Session, reference: str | None, file: str | None) -> Document | Written:
    """Return an env file that names every variable, or write it; raise UsageError when the file is there."""
    if file is not None:
        files.require_writable("--output", file)
    text = example_of(_contract(session, reference)[0])
    if file is None:
        return Document(text, "example")
    if Path(file).exists():
        raise UsageError(
            f"{file} is there already", hint=f"name another, or compare: relbuild env --example | diff {file} -"
        )
    if not session.dry_run:
        files.write(Path(file), text)
    return Written((file,), dry_run=session.dry_run)


def _contract(session: Session, reference: str | None) -> tuple[Contract, Mapping[str, str]]:
    """Return the contract, and the variables that the image sets itself."""
    if reference is None:
        return session.contract(session.project()), session.config().runner.env
    image = release_image(session, reference)
    if image.environment is None:
        if labels.BUILT_BY not in image.facts.labels:
            raise UsageError(
                f"{reference} doesn't say what it needs: it has no label {labels.ENVIRONMENT}",
                hint="relbuild image gives it one; in its project, relbuild env says it",
            )
        return Contract(), image.facts.env
    contract = from_label(image.environment)
    if contract is None:
        by = image.facts.labels.get(labels.BUILT_BY, "another tool")
        raise UsageError(
            f"{reference}: its label {labels.ENVIRONMENT} is of a form this relbuild can't read",
            hint=f"it was built by {by}: use that version, or build it again",
        )
    return contract, image.facts.env


def _value(entry: Entry) -> str | None:
    return entry.value if entry.value is not None else os.environ.get(entry.name)


def _misspelt(contract: Contract, entries: Iterable[Entry]) -> list[str]:
    """Return what to say of names that the release doesn't read and that are nearly one it does."""
    entries = tuple(entries)
    set_ = {entry.name for entry in entries}
    known = {variable.name for variable in contract.variables}
    found = []
    for entry in entries:
        near = get_close_matches(entry.name, known - set_, 1, ALIKE) if entry.name not in known else []
        found += [f"{entry.at}: the release doesn't read {entry.name}; did you mean {name}?" for name in near]
    return found
