"""A dataclass of relbuild's is what the standard library would have made of the same class."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild import values

T = TypeVar("T")

Decorator = Callable[..., Any]
Shape = Callable[[Decorator], Any]


def _plain(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class Plain:
        """Two fields."""

        one: Any
        other: Any

    return Plain


def _generic(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class OfT(Generic[T]):
        one: T
        other: T

        @property
        def both(self) -> tuple[T, T]:
            return (self.one, self.other)

    return OfT


def _defaults(dataclass: Decorator) -> Any:
    @dataclass(frozen=True)
    class Defaults:
        one: Any
        other: Any = 7
        made: list[Any] = dataclasses.field(default_factory=list, compare=False)
        unseen: int = dataclasses.field(default=3, repr=False)
        kind: ClassVar[str] = "a class's own"

    return Defaults


def _uncompared(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class Uncompared:
        one: Any
        other: Any = dataclasses.field(compare=False)

    return Uncompared


def _ordered(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        one: Any
        other: Any

    return Ordered


def _mutable(dataclass: Decorator) -> Any:
    @dataclass(slots=True)
    class Mutable:
        one: Any
        other: Any
        found: dict[str, Any] = dataclasses.field(default_factory=dict)
        both: Any = dataclasses.field(init=False)
        steps: int = dataclasses.field(default=0, init=False)
        seen: set[Any] = dataclasses.field(default_factory=set, init=False)

        def __post_init__(self) -> None:
            self.both = (self.one, self.other)

    return Mutable


def _itself(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True, eq=False)
    class Itself:
        one: Any
        other: Any

    return Itself


def _inherited(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class Base:
        one: Any

        def doubled(self) -> Any:
            return (self.one, self.one)

    @dataclass(frozen=True, slots=True)
    class Below(Base):
        other: Any = 5

    return Below


def _spoken(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True, eq=False)
    class Spoken:
        one: Any
        other: Any

        def __repr__(self) -> str:
            return "its own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    return Spoken


def _alike(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class Alike:
        one: Any
        other: Any

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self))

    return Alike


SHAPES = [_plain, _generic, _defaults, _uncompared, _ordered, _mutable, _itself, _inherited, _spoken, _alike]
SCALARS = st.one_of(st.integers(), st.text(), st.none(), st.tuples(st.integers(), st.text()))

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


def _both(shape: Shape) -> tuple[Any, Any]:
    return shape(values.dataclass), shape(dataclasses.dataclass)


def _told(action: Callable[[], object]) -> object:
    """Return what an action returns, or its error."""
    try:
        return action()
    except (TypeError, AttributeError) as error:
        return (type(error), str(error))


@shapes
@given(one=SCALARS, other=SCALARS, third=SCALARS)
def test_instances_compare_and_read_alike(shape: Shape, one: Any, other: Any, third: Any) -> None:
    def seen(of: Any) -> list[object]:
        first, second = of(one, other), of(one, third)
        return [
            repr(first),
            first == second,
            first == of(one, other),
            first != second,
            _told(lambda: hash(first) == hash(of(one, other))),
            first == (one, other),
            first.__eq__("another class"),
            dataclasses.asdict(first),
            repr(dataclasses.replace(first, other=third)),
            repr(copy.copy(dataclasses.replace(first))) if of.__name__ == "Mutable" else None,
        ]

    ours, standard = _both(shape)
    assert seen(ours) == seen(standard)


@given(one=st.tuples(st.integers(), st.integers()), other=st.tuples(st.integers(), st.integers()))
def test_instances_are_ordered_alike(one: tuple[int, int], other: tuple[int, int]) -> None:
    def seen(of: Any) -> list[object]:
        left, right = of(*one), of(*other)
        return [left < right, left <= right, left > right, left >= right, _told(lambda: left < one)]

    ours, standard = _both(_ordered)
    assert seen(ours) == seen(standard)


@shapes
def test_a_class_says_and_refuses_the_same(shape: Shape) -> None:
    def seen(of: Any) -> list[object]:
        def assigned(name: str) -> object:
            instance = of(1, 2)
            return _told(lambda: setattr(instance, name, 3))

        def deleted() -> object:
            instance = of(1, 2)
            return _told(lambda: delattr(instance, "one"))

        return [
            of.__name__,
            of.__qualname__,
            of.__match_args__,
            getattr(of, "__slots__", None),
            [each.name for each in dataclasses.fields(of)],
            assigned("one"),
            [(each.name, each.kind) for each in inspect.signature(of).parameters.values()],
            deleted(),
            _told(of),
            _told(lambda: repr(of(1))),
            _told(lambda: of(1, 2, unknown=3)),
            hasattr(of(1, 2), "__dict__"),
        ]

    ours, standard = _both(shape)
    assert seen(ours) == seen(standard)


def test_what_a_field_starts_with_is_made_for_each_instance() -> None:
    one, other = (_mutable(values.dataclass)(1, 2) for _ in range(2))
    one.found["name"] = 1
    one.seen.add(1)
    assert (other.found, other.seen) == ({}, set())


def test_a_word_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="kw_only"):
        values.dataclass(frozen=True, kw_only=True)
