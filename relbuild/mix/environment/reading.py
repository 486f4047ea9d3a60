"""Follows a configuration file as it will be evaluated at boot, and notes which variables it reads and must have.

Every branch is followed under the condition it is taken on. What can't be followed makes a condition opaque or a name
unknown; it never makes a requirement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace

from tree_sitter import Node

from relbuild.errors import Mark, ProjectError
from relbuild.mix.environment import structures
from relbuild.mix.environment.conditions import (
    ALWAYS,
    NEVER,
    Among,
    Condition,
    Either,
    Every,
    Opaque,
    every,
    given,
    missing,
)
from relbuild.mix.environment.contract import Default, Requirement
from relbuild.mix.environment.values import Closure, Plain, Something, Stop, Value
from relbuild.mix.evaluate import Evaluator
from relbuild.mix.facts import Tree, Unknown
from relbuild.mix.modules import Module, Scope
from relbuild.mix.source import Source, callee, parse, parts, walk
from relbuild.mix.terms import Term
from relbuild.values import dataclass

# Deeper than any configuration means, and inside Python's own recursion limit.
MAX_DEPTH = 80
MAX_CALLS = 16
# How many expressions one call may take, of a function in the configuration or of one elsewhere, and all calls.
MAX_STEPS = 20_000
MAX_HELPING = 2_000
MAX_HELPED = 500_000

# Returns the file that defines a module of the project, by the module's name.
Locate = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class File:
    """An Elixir file that is followed."""

    source: Source
    evaluator: Evaluator
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """A place that reads a variable, with what stands in for it there."""

    name: str
    at: Mark
    default: Default | None


class TooLong(Exception):
    """What is followed is too deep or too long."""


@dataclass(frozen=True, slots=True)
class _Reached:
    """A condition under which a place is reached, and all of them so far."""

    condition: Condition
    every: Condition


def _all(reached: tuple[_Reached, ...]) -> Condition:
    return reached[-1].every if reached else ALWAYS


@dataclass(slots=True)
class Reading:
    """What was found so far, and the conditions under which the place that is being followed is reached."""

    tree: Tree
    locate: Locate
    accesses: list[Access] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    unknown: dict[Unknown, None] = field(default_factory=dict)
    following: list[str] = field(default_factory=list)
    # Variables that the configuration itself may have set, and what Dotenvy reads beside the environment.
    assigned: set[str] = field(default_factory=set)
    dotenvy_files: bool = False
    # What was run that may have set any variable, as it is written.
    elsewhere: str | None = None
    _site: Mark | None = None
    _files: dict[str, File | None] = field(default_factory=dict)
    _modules: dict[str, tuple[File, Module]] = field(default_factory=dict)
    _closures: dict[tuple[str, int], Frame | None] = field(default_factory=dict)
    _reached: tuple[_Reached, ...] = ()
    _depth: int = 0
    _calls: int = 0
    _given_up: set[str] = field(default_factory=set)
    _helping: int = 0
    _helped: int = 0

    def file(self, path: str) -> Value:
        """Follow a file of the tree from its first statement to its last and return the last one's value."""
        file = self.open(path)
        if file is None:
            return Something(path)
        self.following.append(path)
        frame = Frame(self, file)
        value: Value = Something("nil")
        for node in parts(file.source.root):
            try:
                value = frame.walk(node)
            except TooLong:
                self.note(Unknown(f"`{frame.text(node)}`", "it is too deep to follow", frame.at(node)))
            if isinstance(value, Stop):
                break
        self.following.pop()
        return value

    def open(self, path: str) -> File | None:
        """Return a file, its modules known from now on; None when there is none.

        Raises ProjectError when it isn't Elixir.
        """
        if path not in self._files:
            content = self.tree.read(path)
            self._files[path] = self._parsed(path, content) if content is not None else None
        return self._files[path]

    def _parsed(self, path: str, content: bytes) -> File:
        source = parse(path, content)
        evaluator = Evaluator(source, self.tree, path.rpartition("/")[0])
        imports = [source.text(node).split()[1].rstrip(",") for node in walk(source.root) if _is_import(source, node)]
        file = File(source, evaluator, tuple(evaluator.module_name(name) or name for name in imports))
        self._modules.update({module.name: (file, module) for module in evaluator.modules})
        return file

    def module(self, name: str) -> tuple[File, Module] | None:
        """Return a module of a file that is followed or of the project, and its file."""
        if name not in self._modules:
            path = self.locate(name)
            try:
                if path is not None:
                    self.open(path)
            except ProjectError:
                return None  # the compiler will tell
        return self._modules.get(name)

    @property
    def conditional(self) -> bool:
        """Whether the place that is being followed is reached under a condition."""
        return _all(self._reached) != ALWAYS

    @contextmanager
    def under(self, *conditions: Condition) -> Iterator[bool]:
        """Follow what stands inside under more conditions; give whether it can be reached at all."""
        outer = self._reached
        added = every(conditions)
        if added != ALWAYS:
            self._reached = (*outer, _Reached(added, every((_all(outer), added))))
        try:
            yield _all(self._reached) != NEVER
        finally:
            self._reached = outer

    def call(self, frame: Frame, node: Node, name: str, follow: Callable[[], Value]) -> Value:
        """Follow a function's body, whose finds count for the place of the outermost call.

        One that does more than configurations do is given up as a whole: it is said to be unknown.
        """
        site, reached, found = self._site, self._reached, len(self.requirements)
        self._site = site or frame.at(node)
        self._calls += 1
        try:
            if self._calls > MAX_CALLS or name in self._given_up:
                raise TooLong
            return follow()
        except TooLong:
            if site is not None:
                raise
            self._reached = reached
            del self.requirements[found:]
            if name not in self._given_up:
                self._given_up.add(name)
                self.note(Unknown(f"`{frame.text(node)}`", "it does too much to be followed", frame.at(node)))
            return frame.something(node)
        finally:
            self._calls -= 1
            self._site = site
            if site is None:
                self._helped += self._helping
                self._helping = 0

    @contextmanager
    def step(self, file: File) -> Iterator[None]:
        """Count a step; raise TooLong inside a call that takes too many of them, or is too deep."""
        self._depth += 1
        try:
            if self._site is not None:
                # What stands in the configuration itself is meant for it; a project's function may be about all else.
                self._helping += 1 if file.source.file in self.following else MAX_STEPS // MAX_HELPING
            if self._depth > MAX_DEPTH or self._helping > MAX_STEPS or self._helped + self._helping > MAX_HELPED:
                raise TooLong
            yield
        finally:
            self._depth -= 1

    def place(self, at: Mark, own: bool = False) -> Mark:
        """Return the place to name: that of the outermost call, unless it is its own."""
        return at if own or self._site is None else self._site

    def note(self, unknown: Unknown) -> None:
        """Note what can't be told."""
        self.unknown[replace(unknown, at=self.place(unknown.at))] = None

    def fails(self, condition: Condition, at: Mark, message: str | None = None) -> None:
        """Note that the boot fails here if the condition holds, and which variable is needed so that it doesn't.

        Only what was asked last can be it: what stands further out says when, not why.
        """
        with self.under(condition) as reachable:
            if not reachable or not self._reached:
                return
            before = _all(self._reached[:-1])
            for test, along in _needed(self._reached[-1].condition):
                requirement = _requirement(test, every((before, along)), self.place(at), message)
                if requirement is not None:
                    self.requirements.append(requirement)

    def fails_here(self, at: Mark, message: str | None) -> None:
        """Note that the boot fails where this place is reached."""
        self.fails(ALWAYS, at, message)

    def access(self, name: str, node: Node | None, frame: Frame) -> None:
        """Note that a variable is read; a name that is written out is its own place."""
        written = node is not None and node.type == "string"
        at = frame.at(node) if node is not None else self._site or Mark(frame.file.source.file, 1)
        self.accesses.append(Access(name, self.place(at, own=written), None))

    def default(self, name: str, text: str, literal: bool) -> None:
        """Note what stands in for a variable at the place that read it last."""
        for i in reversed(range(len(self.accesses))):
            access = self.accesses[i]
            if access.name == name:
                self.accesses[i] = replace(access, default=access.default or Default(text, literal))
                return

    def closure(self, frame: Frame, node: Node) -> Closure:
        """Return the function that is written here."""
        self._closures.setdefault((frame.file.source.file, node.start_byte), frame)
        return Closure(frame.file, node, frame.bindings)

    def used(self, closure: Closure) -> None:
        """Note that the function is called."""
        self._closures[closure.file.source.file, closure.node.start_byte] = None

    def unused(self) -> list[tuple[Frame, Node]]:
        """Return the functions that no call was followed into: whoever gets them calls them, or not."""
        found = []
        for (_, start), frame in list(self._closures.items()):
            if frame is None:
                continue
            node = frame.file.source.root.descendant_for_byte_range(start, start)
            while node is not None and node.type not in ("anonymous_function", "unary_operator"):
                node = node.parent
            if node is not None:
                found.append((frame, node))
        return found


def _is_import(source: Source, node: Node) -> bool:
    return callee(node) == "import" and len(source.text(node).split()) > 1


def _needed(condition: Condition) -> Iterator[tuple[Among, Condition]]:
    """Yield each variable whose absence makes the condition hold, with what else has to hold for that."""
    match condition:
        case Among() if condition.holds(None):
            yield condition, ALWAYS
        case Every(parts):
            found = [part for part in parts if isinstance(part, Among) and part.holds(None)]
            # "X is not set" is a reason; "X is not this" beside something that isn't known is hardly one.
            unclear = any(isinstance(part, Opaque) for part in parts)
            for test in found:
                if test.inside or not unclear:
                    yield test, every(part for part in parts if part != test)
                    return
        case Either(parts):
            for part in parts:
                yield from _needed(part)


def _requirement(test: Among, when: Condition, at: Mark, message: str | None) -> Requirement | None:
    """Return the requirement, all that is asked of its own variable in one test; None when absence does no harm."""
    around = when.parts if isinstance(when, Every) else (when,)
    own = [part for part in around if isinstance(part, Among) and part.variable == test.variable]
    joined = every((test, *own))
    fails = joined if isinstance(joined, Among) else test
    rest = every(part for part in around if part not in own)
    lacking = given(rest, test.variable, None)
    if joined == NEVER or not fails.holds(None) or lacking == NEVER:
        return None
    return Requirement(fails if lacking == rest else missing(test.variable), lacking, at, message)


@dataclass(slots=True)
class Frame:
    """Where an expression stands: its file, its module, and the variables it sees."""

    reading: Reading
    file: File
    module: Module | None = None
    bindings: Mapping[str, Value] = field(default_factory=dict)

    def walk(self, node: Node) -> Value:
        """Follow an expression and return its value."""
        with self.reading.step(self.file):
            return structures.follow(self, node)

    def statements(self, node: Node) -> Value:
        """Follow the expressions of a block and return the last one's value."""
        return self.sequence(parts(node))

    def sequence(self, nodes: Sequence[Node]) -> Value:
        """Follow expressions one after the other and return the last one's value, or where they stop."""
        value: Value = Something("nil")
        for node in nodes:
            value = self.walk(node)
            if isinstance(value, Stop):
                return value
        return value

    def statements_of(self, node: Node | None) -> Value:
        """Follow the expressions of a clause's right side and return the last one's value."""
        return self.statements(node) if node is not None else Something("nil")

    def inner(self, bindings: Mapping[str, Value] | None = None) -> Frame:
        """Return a frame inside this one: what it binds is not seen outside."""
        return Frame(self.reading, self.file, self.module, {**self.bindings, **(bindings or {})})

    def within(self, file: File, module: Module | None, bindings: Mapping[str, Value]) -> Frame:
        """Return the frame of a function that is called from here."""
        return Frame(self.reading, file, module, bindings)

    def bind(self, bindings: Mapping[str, Value]) -> None:
        """Set variables for what follows."""
        self.bindings = {**self.bindings, **bindings}

    def text(self, node: Node) -> str:
        """Return the node's text for a message."""
        return self.file.source.excerpt(node, 80)

    def at(self, node: Node) -> Mark:
        """Return the node's place."""
        return self.file.source.mark(node)

    def something(self, node: Node, present: bool = False) -> Something:
        """Return that nothing is known of the node's value, but perhaps that there is one."""
        return Something(self.text(node), present)

    def plain(self, node: Node, present: bool = False) -> Plain:
        """Return the node's value as one that needs no environment."""
        bindings = self.bindings
        known: list[Term] = []

        def compute() -> Term:
            if not known:
                known.append(self._evaluate(node, bindings))
            return known[0]

        return Plain(compute, self.text(node), present)

    def _evaluate(self, node: Node, bindings: Mapping[str, Value]) -> Term:
        evaluator = self.file.evaluator
        evaluator.start_anew()
        names = {self.file.source.text(each) for each in walk(node) if each.type == "identifier"}
        terms: dict[str, Term] = {}
        for name in names & bindings.keys():
            value = bindings[name]
            unknown = Unknown(name, "it depends on the environment", self.at(node))
            terms[name] = value.compute() if isinstance(value, Plain) else unknown
        for name, value in bindings.items():
            if name.startswith("&") and isinstance(value, Plain):
                terms[name] = value.compute()
        return evaluator.evaluate(node, Scope(self.module, terms))

    def opaque(self, node: Node) -> Opaque:
        """Return that only the running system knows whether this is true."""
        return Opaque(self.text(node))
