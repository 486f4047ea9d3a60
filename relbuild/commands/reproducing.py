"""Is an image the same when it is built again from nothing? If it isn't, which of its files are to blame."""

from __future__ import annotations

from relbuild.commands.content import content
from relbuild.commands.session import Session
from relbuild.engine.archive import Archive
from relbuild.errors import CommandFailed, Problem

MOST_NAMED = 20


def require_same(session: Session, first: str, second: str) -> None:
    """Compare two clean builds of one project.

    Raises CommandFailed that names each file of the release that is another one in the second.
    """
    if session.dry_run:
        return
    one, other = session.engine.built(first), session.engine.built(second)
    if one.id == other.id:
        session.note(f"reproducible: built twice, {one.id} both times")
        return
    once, again = content(session, one), content(session, other)
    if once.configuration.diff_ids == again.configuration.diff_ids:
        session.note("reproducible: built twice, the same in every layer; only the time of the build differs")
        return
    files = _different(once, again)
    named = [path for path in files if path.startswith("app/")]
    if named:
        problems = [Problem(f"not reproducible: /{path} is another file in each build") for path in named[:MOST_NAMED]]
        if len(named) > MOST_NAMED:
            problems.append(Problem(f"and {len(named) - MOST_NAMED} more files"))
        problems[-1] = Problem(problems[-1].message, hint=_hint(named))
        raise CommandFailed.of(problems)
    rest = f"; /{', /'.join(files[:MOST_NAMED])} differ" if files else ""
    session.note(f"reproducible: the release is the same in two builds; what it runs on bears its own times{rest}")


def _hint(paths: list[str]) -> str:
    hint = "what makes it puts in a path, a time or something random"
    if any(path.endswith(".so") for path in paths):
        hint += "; a C compiler leaves paths out with -ffile-prefix-map=$PWD=."
    if any(path.endswith(".beam") for path in paths):
        hint += "; before OTP 28 a module with ~r/(?<name>…)/ is seldom twice the same: use groups without names"
    return hint


def _different(one: Archive, other: Archive) -> list[str]:
    """Return the paths of files that aren't in both, or not with the same content and mode."""
    paths = sorted({*one.files.files(""), *other.files.files("")})
    return [
        path for path in paths if one.read(path) != other.read(path) or one.files.entry(path) != other.files.entry(path)
    ]
