"""What a failing condition requires: which variable, when, and what of it."""

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
from relbuild.mix.environment.conditions import (
    ALWAYS,
    EMPTY,
    NEVER,
    And,
    Condition,
    OneOf,
    Opaque,
    Or,
    certain,
    every,
    given,
    leaves,
    missing,
)
from relbuild.mix.environment.config_calls import ConfigCall
from relbuild.mix.environment.contract import Default, Requirement, Use, Variable
from relbuild.mix.environment.files import File, Files
from relbuild.mix.environment.frame import Frame
from relbuild.mix.environment.values import Closure, NoReturn, UnknownValue, Value, made_of, texts


def needed(condition: Condition) -> Iterator[tuple[OneOf, Condition]]:
    """Yield each variable whose absence makes the condition hold, with what else has to hold for that."""
    match condition:
        case Opaque(sees=names):
            yield from ((missing(name), condition) for name in sorted(names))
        case OneOf() if condition.holds(None):
            yield condition, ALWAYS
        case And(parts):
            found = [part for part in parts if isinstance(part, OneOf) and part.holds(None)]
            # Of "X is not set and Y isn't 1" the first is what is requested.
            found.sort(key=lambda test: not (test.inside and test.values <= EMPTY))
            # "X is not set" is a reason; "X is not this" beside something that isn't known is hardly one.
            unclear = any(isinstance(part, Opaque) for part in parts)
            for test in found:
                if test.inside or not unclear:
                    yield test, every(part for part in parts if part != test)
                    return
            for part in parts:
                if isinstance(part, Opaque) and part.sees:
                    yield from ((test, condition) for test, _ in needed(part))
                    return
        case Or(parts):
            for part in parts:
                yield from needed(part)


def named_by(message: str | None, condition: Condition) -> Iterator[tuple[OneOf, Condition]]:
    """Yield the variable that the author's message names first, if its absence makes the condition hold."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    places = {}
    for part in parts:
        if message and isinstance(part, OneOf) and part.holds(None):
            word = re.search(rf"(?<!\w){re.escape(part.variable)}(?!\w)", message)
            if word is not None:
                places[word.start()] = part
    if places:
        test = places[min(places)]
        yield test, every(part for part in parts if part != test)


def requirement(test: OneOf, when: Condition, at: Mark, message: str | None) -> Requirement | None:
    """Return the requirement, all that is asked of its own variable in one test; None when absence does no harm."""
    around = when.parts if isinstance(when, And) else (when,)
    own = [part for part in around if isinstance(part, OneOf) and part.variable == test.variable]
    joined = every((test, *own))
    fails = joined if isinstance(joined, OneOf) else test
    rest = every(part for part in around if part not in own)
    lacking = given(rest, test.variable, None)
    if joined == NEVER or not fails.holds(None) or lacking == NEVER:
        return None
    return Requirement(fails if lacking == rest else missing(test.variable), lacking, at, message)


def together(requirements: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """Return the requirements of a variable; where one of them always holds, so does what they have in common."""
    if any(each.unconditional for each in requirements) or not certain(each.when for each in requirements):
        return requirements
    fails = every(each.fails for each in requirements)
    if not isinstance(fails, OneOf):
        return requirements
    common = replace(next((each for each in requirements if each.message), requirements[0]), fails=fails, when=ALWAYS)
    rest = (each for each in requirements if each.fails != fails or each.message not in (None, common.message))
    return (common, *rest)


@dataclass(slots=True)
class Uses:
    """The uses of variables that were found so far, by the variables' names."""

    _parsed: dict[str, Use] = field(default_factory=dict)
    _compared: dict[str, set[str]] = field(default_factory=dict)
    _configured: dict[str, Use] = field(default_factory=dict)

    def parsed(self, value: Value, use: Use) -> None:
        """Note that a function takes the value apart, or converts it."""
        names = made_of(value)
        for name in names if len(names) == 1 else texts(value):
            self._parsed.setdefault(name, use)

    def called(self, function: str, value: Value) -> None:
        """Note that a function of a library gets the value as its first argument."""
        use = tables.FUNCTIONS.get(function)
        if use is not None:
            self.parsed(value, use)

    def compared(self, condition: Condition) -> Condition:
        """Note the values that a condition compares variables with; return the condition."""
        for leaf in leaves(condition):
            if isinstance(leaf, OneOf):
                found = self._compared.setdefault(leaf.variable, set())
                found.update(value for value in leaf.values if value)
        return condition

    def configured(self, key: str, value: Value, module: str | None, adapter: str | None) -> None:
        """Note that the value is that of a key in the configuration of a module, perhaps an Ecto repository."""
        use = tables.KEYS.get(key)
        if use is None:
            return
        for name in made_of(value) if use.kind == "choice" else texts(value):
            self._configured.setdefault(name, _complete(use, name, module, adapter))

    def of(self, name: str, default: str | None) -> Use | None:
        """Return what the variable is used for, else what its name tells; None where nothing does."""
        use, configured = self._parsed.get(name), self._configured.get(name)
        values = tuple(sorted(self._compared.get(name, ())))
        if use is not None and use.kind == "atom":
            if configured is not None and configured.kind == "choice":
                return configured
            values = values or (("false", "true") if default in ("true", "false") else ())
        if (use is None or use.kind in ("atom", "boolean")) and values:
            boolean = {value.lower() for value in values} <= tables.BOOLEANS
            return Use("boolean" if boolean else "choice", values)
        found = use or configured or tables.NAMES.get(name.rpartition("_")[2])
        return found and _complete(found, name)


def _complete(use: Use, variable: str, module: str | None = None, adapter: str | None = None) -> Use:
    """Return the use with the scheme of a URL: that of the database adapter, else what the names tell, else https."""
    if use.kind != "url" or use.scheme is not None:
        return use
    words = re.split(r"[._]", f"{module or ''}.{variable}".upper())
    named = next((found for word, found in tables.SCHEMES.items() if word in words), "https")
    return Use("url", scheme=tables.ADAPTERS.get(adapter or "", named))


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
    overlay_variables: frozenset[str] = frozenset()
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
            return UnknownValue(path)
        self.following.append(path)
        frame = Frame(self, file)
        value: Value = UnknownValue("nil")
        for node in parts(file.source.root):
            with self.guard(f"`{frame.text(node)}`", frame.at(node)):
                value = frame.walk(node)
            if isinstance(value, NoReturn):
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
            return frame.unknown_value(node)
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

        That is the one that the message names. Without such a message only the innermost condition says why it fails:
        those around it say when.
        """
        with self.under(condition) as reachable:
            if not reachable or not self._reached:
                return
            before = _all(self._reached[:-1])
            found_here = [(test, every((before, along))) for test, along in needed(self._reached[-1].condition)]
            # Of several variables that are each needed here none stands for the others.
            named = tuple(named_by(message, self.reached)) if len(found_here) < 2 else ()
            for test, when in named or found_here:
                found = requirement(test, when, self.place(at), message)
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
