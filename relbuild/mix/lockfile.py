"""mix.lock: which package, or which commit, each dependency is, and the checksum that Hex holds it to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from relbuild.mix.evaluate import Evaluator
from relbuild.mix.facts import Known, Tree
from relbuild.mix.modules import Scope
from relbuild.mix.source import parse, parts
from relbuild.mix.terms import Atom, Map, Term, Tuple, Value

FILE = "mix.lock"
PUBLIC = "hexpm"


@dataclass(frozen=True, slots=True)
class HexPackage:
    """A Hex package: `repository` is hexpm, hexpm:ORGANIZATION, or the name of another; `checksum` is that of its
    archive (SHA-256, in hex), None where an old lock has none."""

    app: str
    name: str
    version: str
    repository: str
    checksum: str | None

    @property
    def organization(self) -> str | None:
        """The organization of hex.pm that it belongs to."""
        head, colon, name = self.repository.partition(":")
        return name if colon and head == PUBLIC else None

    @property
    def public(self) -> bool:
        """Whether it comes from hex.pm, be it from an organization there."""
        return self.repository == PUBLIC or self.organization is not None


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit of a git repository; the address is without a login."""

    app: str
    url: str
    commit: str


Locked: TypeAlias = HexPackage | GitCommit


class _NoFiles(Tree):
    """The project of which nothing but its lock is there."""

    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def read(content: bytes, file: str = FILE) -> Mapping[str, Locked]:
    """Return what is locked, by application; what is of another form than Hex and Mix write is left out.

    Raises ProjectError for what is no Elixir.
    """
    source = parse(file, content)
    expressions = parts(source.root)
    if not expressions:
        return {}
    evaluated = Evaluator(source, _NoFiles()).evaluate(expressions[-1], Scope(None))
    if not isinstance(evaluated, Known) or not isinstance(evaluated.value, Map):
        return {}
    return {each.app: each for each in _locked(evaluated.value)}


def _locked(lock: Map) -> Iterator[Locked]:
    for key, entry in lock.pairs:
        app = _value(key)
        if isinstance(app, Atom):
            app = app.name
        value = _value(entry)
        if not isinstance(app, str) or not isinstance(value, Tuple):
            continue
        kind, *rest = (_value(item) for item in value.items)
        if kind == Atom("hex"):
            yield from _package(app, rest)
        elif kind == Atom("git") and len(rest) > 1 and isinstance(rest[0], str) and isinstance(rest[1], str):
            yield GitCommit(app, _without_login(rest[0]), rest[1])


def _package(app: str, rest: list[Value]) -> Iterator[HexPackage]:
    """Yield the package: its name and version; its contents' checksum, managers, dependencies; repository, checksum.

    Hex.Utils.lock/1; each version of Hex has added at the end. The contents' checksum is of another form than the
    archive's, and isn't what one gets of a file that is downloaded.
    """
    if len(rest) < 2 or not isinstance(rest[0], Atom) or not isinstance(rest[1], str):
        return
    repository = rest[5] if len(rest) > 5 else None
    checksum = rest[6] if len(rest) > 6 else None
    yield HexPackage(
        app,
        rest[0].name,
        rest[1],
        repository if isinstance(repository, str) else PUBLIC,
        checksum.lower() if isinstance(checksum, str) and _is_sha256(checksum) else None,
    )


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdefABCDEF" for character in text)


def _value(term: Term) -> Value:
    return term.value if isinstance(term, Known) else None


def _without_login(url: str) -> str:
    scheme, divider, rest = url.partition("://")
    if not divider:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
