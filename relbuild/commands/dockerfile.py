"""relbuild dockerfile: print it, write it with its scripts, or report whether what was written is out of date."""

from __future__ import annotations

from relbuild.commands.session import Session
from relbuild.engine import files
from relbuild.errors import CommandFailed, Mark, Problem
from relbuild.image.dockerfile.render import SCRIPTS, SIGNATURE, dockerfile_scripts, render_dockerfile
from relbuild.result import Document, Written


def show(session: Session, release: str | None) -> Document:
    """Return the Dockerfile."""
    return Document(render_dockerfile(session.plan(release)), "dockerfile")


def write(session: Session, release: str | None, *, force: bool) -> Written:
    """Write Dockerfile and its ignore file into the project; in a dry run, say which would be.

    Raises CommandFailed for a file that relbuild didn't write, unless it is forced; then nothing has been written.
    """
    written, unchanged, foreign = {}, [], []
    for name, content in _generated(session, release).items():
        present = files.read_text(session.root / name)
        if present == content:
            unchanged.append(name)
            continue
        if present is not None and SIGNATURE not in present and not force:
            hint = "--force replaces it; keep a copy"
            foreign.append(Problem(f"{name} is there, and relbuild didn't write it", at=Mark(name, 1), hint=hint))
        written[name] = content
    if foreign:
        raise CommandFailed.of(foreign)
    if not session.dry_run:
        for name, content in written.items():
            files.write(session.root / name, content, parent=True)
    return Written(tuple(written), tuple(unchanged), dry_run=session.dry_run)


def check(session: Session, release: str | None) -> Written:
    """Return the files that are as relbuild would write them; raise CommandFailed with the difference otherwise."""
    from difflib import unified_diff

    stale = []
    generated = _generated(session, release)
    for name, content in generated.items():
        present = files.read_text(session.root / name)
        if present == content:
            continue
        if present is None:
            stale.append(Problem(f"{name} is missing", hint="relbuild dockerfile --write"))
            continue
        difference = tuple(
            unified_diff(present.splitlines(), content.splitlines(), name, f"{name} of today", lineterm="")
        )
        hint = "\n".join(("relbuild dockerfile --write renews it; the difference:", *difference))
        stale.append(Problem(f"{name} has gone stale", at=Mark(name, _first_changed_line(present, content)), hint=hint))
    if stale:
        raise CommandFailed.of(stale)
    return Written((), tuple(generated))


def _generated(session: Session, release: str | None) -> dict[str, str]:
    from relbuild.image.dockerfile.dockerignore import dockerignore_name, render_dockerignore

    plan = session.plan(release)
    text = render_dockerfile(plan)
    scripts = {f"{SCRIPTS}/{name}": script for name, script in dockerfile_scripts(text).items()}
    return {"Dockerfile": text, dockerignore_name(plan): render_dockerignore(plan), **scripts}


def _first_changed_line(old: str, new: str) -> int:
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    same = next((number for number, (one, other) in enumerate(pairs) if one != other), None)
    return 1 + (min(len(old.splitlines()), len(new.splitlines())) if same is None else same)
