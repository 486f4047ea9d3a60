"""Follows a configuration file as it will be evaluated at boot, and notes which variables it reads and must have.

Every branch is followed under the condition it is taken on. What can't be followed makes a condition opaque or a name
unknown; it never makes a requirement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from relbuild.elixir.syntax import parts
from relbuild.errors import Mark
from relbuild.facts import Unknown
from relbuild.mix.environment import tables, variables
from relbuild.mix.environment.conditions import ALWAYS, NEVER, Condition, every
from relbuild.mix.environment.config_calls import ConfigCall
from relbuild.mix.environment.contract import Default, Requirement, Variable
from relbuild.mix.environment.files import File, Files
from relbuild.mix.environment.frame import Frame
from relbuild.mix.environment.requirements import needed, requirement
from relbuild.mix.environment.uses import Uses
from relbuild.mix.environment.values import Closure, Something, Stop, Value

# Deeper than any configuration means, and inside Python's own recursion limit.
MAX_DEPTH = 80
MAX_CALLS = 16
# How many expressions one call may take, of a function in the configuration or of one elsewhere, and all calls.
MAX_STEPS = 20_000
MAX_HELPING = 2_000
MAX_HELPED = 500_000

_ADAPTER = re.compile(rb"adapter:\s*Ecto\.Adapters\.(\w+)")


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

    files: Files
    accesses: list[Access] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    unknown: dict[Unknown, None] = field(default_factory=dict)
    config_calls: list[ConfigCall] = field(default_factory=list)
    following: list[str] = field(default_factory=list)
    # Variables that the configuration itself may have set, and what Dotenvy reads beside the environment.
    assigned: set[str] = field(default_factory=set)
    dotenvy_files: bool = False
    # The files and lines whose reads are followed, and the tuples that libraries read.
    followed: set[tuple[str, int]] = field(default_factory=set)
    tuples: list[Variable] = field(default_factory=list)
    uses: Uses = field(default_factory=Uses)
    # The module whose configuration is being followed, as `config :shop, Shop.Repo, …` names it.
    configuring: str | None = None
    # Whether what is too long to follow is left out instead of being noted.
    quiet: bool = False
    # What was run that may have set any variable, as it is written.
    elsewhere: str | None = None
    _site: Mark | None = None
    _closures: dict[tuple[str, int], Frame | None] = field(default_factory=dict)
    _reached: tuple[_Reached, ...] = ()
    _depth: int = 0
    _calls: int = 0
    _given_up: set[str] = field(default_factory=set)
    _helping: int = 0
    _helped: int = 0

    def file(self, path: str) -> Value:
        """Follow a file of the tree from its first statement to its last and return the last one's value."""
        file = self.files.open(path)
        if file is None:
            return Something(path)
        self.following.append(path)
        frame = Frame(self, file)
        value: Value = Something("nil")
        for node in parts(file.source.root):
            with self.guard(f"`{frame.text(node)}`", frame.at(node)):
                value = frame.walk(node)
            if isinstance(value, Stop):
                break
        self.following.pop()
        return value

    @contextmanager
    def guard(self, what: str, at: Mark) -> Iterator[None]:
        """Follow what stands inside; where it is too deep or too long, note that it can't be followed."""
        try:
            yield
        except (TooLong, RecursionError):
            if not self.quiet:
                self.note(Unknown(what, "it is too deep to follow", at))

    @property
    def reached(self) -> Condition:
        """The condition under which the place that is being followed is reached."""
        return _all(self._reached)

    @property
    def conditional(self) -> bool:
        """Whether the place that is being followed is reached under a condition."""
        return self.reached != ALWAYS

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

    def place(self, at: Mark) -> Mark:
        """Return the place to name: that of the outermost call."""
        return self._site or at

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
            for test, along in needed(self._reached[-1].condition):
                found = requirement(test, every((before, along)), self.place(at), message)
                if found is not None:
                    self.requirements.append(found)

    def fails_here(self, at: Mark, message: str | None) -> None:
        """Note that the boot fails where this place is reached."""
        self.fails(ALWAYS, at, message)

    def note_tuple(self, frame: Frame, node: Node) -> None:
        """Note the variable of a tuple such as `{:system, "PORT"}`."""
        found = variables.system_tuple(frame.file.source, node)
        if isinstance(found, Variable):
            self.tuples.append(found)
        elif found is not None:
            self.note(found)

    def access(self, name: str, at: Mark, written: Mark | None) -> None:
        """Note that a variable is read; the place to name is where its name is written, if that is known."""
        self.accesses.append(Access(name, written or self.place(at), None))

    def default(self, name: str, text: str, literal: bool) -> None:
        """Note what stands in for a variable at the place that read it last."""
        for i in reversed(range(len(self.accesses))):
            access = self.accesses[i]
            if access.name == name:
                self.accesses[i] = replace(access, default=access.default or Default(text, literal))
                return

    def configured(self, key: str | None, value: Value) -> None:
        """Note that the value is that of a key in a configuration, for what it is used."""
        if key is None or key not in tables.KEYS:
            return
        module = self.configuring if self.configuring and self.configuring[:1].isupper() else None
        found = self.files.module(module) if module is not None else None
        adapter = _ADAPTER.search(found[0].source.content) if found is not None else None
        self.uses.configured(key, value, module, adapter[1].decode() if adapter is not None else None)

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
