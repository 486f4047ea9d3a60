"""Dataclasses, made in a quarter of the time.

The standard library compiles up to six functions for each class; for the hundred that a plain project's Dockerfile
needs, that took a third of the time until it was printed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as standard
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")

ORDER = {"__lt__": operator.lt, "__le__": operator.le, "__gt__": operator.gt, "__ge__": operator.ge}


def _dataclass(
    *, frozen: bool = False, slots: bool = False, eq: bool = True, order: bool = False
) -> Callable[[type[T]], type[T]]:
    """Return what makes a class what dataclasses.dataclass would; without InitVar and kw_only, and not to be pickled.

    replace(), fields() and asdict() know it. Only its __init__ is compiled: what a call may say is Python's to check.
    """

    def made(written: type[T]) -> type[T]:
        # Where there is no docstring the standard library makes one out of inspect.signature.
        written.__doc__ = written.__doc__ or written.__name__
        cls = standard(init=False, repr=False, eq=False, slots=slots)(written)
        declared = fields(cls)  # type: ignore[arg-type]  # it is a dataclass by now
        methods: dict[str, object] = {"__init__": _init(cls, declared), "__repr__": _repr(declared)}
        if eq:
            compared = _values(each.name for each in declared if each.compare)
            methods |= {"__eq__": _compared(operator.eq, compared), "__hash__": _hash(compared) if frozen else None}
            methods |= {name: _compared(how, compared) for name, how in ORDER.items() if order}
        if frozen:
            methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        for name, method in methods.items():
            if vars(written).get(name) is None:
                setattr(cls, name, method)
        return cls

    return made


def _init(cls: Any, declared: Iterable[Field[Any]]) -> object:
    """Return a constructor that becomes the compiled one with the first instance; many a class has none in a run."""

    def construct(self: object, *given: object, **named: object) -> None:
        cls.__init__ = _compiled(cls, declared)
        cls.__init__(self, *given, **named)

    return construct


def _compiled(cls: type, declared: Iterable[Field[Any]]) -> object:
    """Return the function that takes the fields' values, in their order, and sets them."""
    known: dict[str, Any] = {"_missing": MISSING}
    parameters, names, values = ["self"], [], []
    for each in declared:
        known |= {f"_default_{each.name}": each.default, f"_make_{each.name}": each.default_factory}
        parameter, value = _parameter(each)
        if each.init:
            parameters.append(parameter)
        if value:
            names.append(each.name)
            values.append(f"{value}, ")
    known["_fill"] = _filling(names)
    # One call, not one for each field: it is the length of the text that takes time.
    after = "; self.__post_init__()" if hasattr(cls, "__post_init__") else ""
    exec(f"def __init__({', '.join(parameters)}): _fill(self, ({''.join(values)})){after}", known)
    known["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    return known["__init__"]


def _filling(names: Iterable[str]) -> Callable[[object, Iterable[object]], None]:
    wanted, set_value = tuple(names), object.__setattr__

    def fill(self: object, values: Iterable[object]) -> None:
        for name, value in zip(wanted, values, strict=True):
            set_value(self, name, value)

    return fill


def _parameter(of: Field[Any]) -> tuple[str, str]:
    """Return how a field's value is written as a parameter, and what the field is set to; empty for nothing."""
    name = of.name
    if of.default is not MISSING:
        return f"{name}=_default_{name}", name if of.init else f"_default_{name}"
    if of.default_factory is not MISSING:
        return f"{name}=_missing", f"_make_{name}() if {name} is _missing else {name}" if of.init else f"_make_{name}()"
    return name, name if of.init else ""


def _values(names: Iterable[str]) -> Callable[[object], object]:
    """Return what takes the values of some fields out of an instance, to be compared."""
    wanted = tuple(names)
    return operator.attrgetter(*wanted) if wanted else lambda _instance: ()


def _compared(how: Callable[[Any, Any], bool], values: Callable[[object], object]) -> object:
    def compare(self: object, other: object) -> bool:
        return how(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

    return compare


def _hash(values: Callable[[object], object]) -> object:
    return lambda self: hash(values(self))


def _repr(declared: Iterable[Field[Any]]) -> object:
    names = [each.name for each in declared if each.repr]

    def represent(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return represent


def _refuse_to_set(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
