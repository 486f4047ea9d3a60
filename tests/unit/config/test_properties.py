"""Whatever relbuild.yml holds: a Config, or a ConfigError with places inside the file; what is valid comes back."""

import re
from types import MappingProxyType
from typing import Any, TypeGuard

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from relbuild.config import Config, Target, parse, texts
from relbuild.config.kinds import Choice, Commands, Flag, Kind, Listing, Section, Table, Text, Whole, keys
from relbuild.config.schema import json_schema
from relbuild.config.words import paths
from relbuild.errors import ConfigError, Mark

SCHEMA = jsonschema.Draft202012Validator(json_schema())
NAMES = sorted({part for path in paths() for part in path.split(".")})


def read(data: bytes) -> Config | None:
    """Parse, and hold every place to the file."""
    lines = re.split("\r\n|\r|\n", data.decode("utf-8", "replace").removeprefix("\ufeff"))

    def inside(mark: Mark | None) -> TypeGuard[Mark]:
        return mark is not None and 1 <= mark.line <= len(lines) and 1 <= mark.column <= len(lines[mark.line - 1]) + 1

    try:
        config = parse(data)
    except ConfigError as error:
        found = error.problems
    else:
        assert all(inside(mark) for mark in config.marks.values())
        return config
    places = [problem.at for problem in found if inside(problem.at)]
    assert len(places) == len(found)
    assert places == sorted(places)
    assert all(problem.hint and "\n" not in problem.message + problem.hint for problem in found)
    return None


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    read(data)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [*": \n-?[]{},&*!|>'\"%@`#\t\r~<", "\n  ", ": ", "<<: *a", "&a ", "*a", "---", "...", "!!str "]
            ),
            st.sampled_from(NAMES),
            st.text(max_size=3),
        ),
        max_size=40,
    ).map("".join)
)
@settings(max_examples=500)
@pytest.mark.parametrize("scanner", ["libyaml", "python"])
def test_anything_like_yaml(scanner: str, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if scanner == "python":
            patch.delattr(yaml, "CSafeLoader")
        read(text.encode("utf-8", "surrogatepass"))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.sampled_from(NAMES)
)


@given(
    st.recursive(
        SCALARS,
        lambda below: (
            st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | SCALARS, below, max_size=5)
        ),
        max_leaves=15,
    )
)
@settings(max_examples=300)
def test_any_structure(document: Any) -> None:
    read(yaml.safe_dump(document, allow_unicode=True).encode())


def text_of(kind: Text) -> st.SearchStrategy[str]:
    if kind.pattern is not None:
        # A pattern such as [^\\s] admits what no program can be given, which is refused for every text.
        return st.from_regex(kind.pattern, fullmatch=True).filter(
            lambda text: len(text) <= 512 and not re.search("[\0\x85\ud800-\udfff]", text)
        )
    breaks = "" if kind.lines else "\r\n"
    # PyYAML writes U+0085 as it is, and reads it as a line break.
    texts_of = st.text(st.characters(exclude_characters="\0\x85" + breaks, exclude_categories=("Cs",)), max_size=20)
    return texts_of if kind.empty else texts_of.filter(lambda text: text.strip() != "")


def value_of(kind: Kind, bare: bool = False) -> st.SearchStrategy[Any]:
    match kind:
        case Text():
            return st.none() | text_of(kind) if bare else text_of(kind)
        case Choice(words, other):
            return st.sampled_from(words) | text_of(other) if other else st.sampled_from(words)
        case Whole(minimum, maximum):
            return st.integers(minimum, maximum)
        case Flag():
            return st.booleans()
        case Listing(_, item, unique):
            return st.lists(text_of(item), max_size=3, unique=unique)
        case Commands(word, item):
            return st.sampled_from([word, False]) | st.lists(text_of(item), min_size=1, max_size=3)
        case Table(_, name, value, bare_names):
            return st.dictionaries(text_of(name), value_of(value, bare_names), max_size=2)
        case Section(of):
            return section_of(of)


def section_of(of: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    known = keys(of)
    section = st.fixed_dictionaries(
        {name: value_of(key.kind) for name, key in known.items() if key.required},
        optional={name: value_of(key.kind) for name, key in known.items() if not key.required},
    )
    return section.map(allowed_target) if of is Target else section


def allowed_target(target: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the engine does not have."""
    known = keys(Target)
    kept = {
        name: value for name, value in target.items() if target["engine"] in (known[name].engines or [target["engine"]])
    }
    if target["engine"] == "swarm" and "publish" in kept:
        kept["publish"] = [port for port in kept["publish"] if re.match(r"[0-9]+:[0-9]+(/|$)", port)]
    if target["engine"] != "kubernetes" and "host" in kept:
        kept.pop("context", None)
    return kept


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document = draw(section_of(Config))
    toolchain = document.get("toolchain", "hexpm")
    if toolchain == "image":
        document.setdefault("builder", {}).setdefault("image", draw(text_of(texts.REFERENCE)))
    elif toolchain in ("hexpm", "official") and "toolchain" in document:
        document.get("builder", {}).pop("image", None)
    if "elixir" in document and toolchain != "source" and "toolchain" in document:
        document["elixir"] = draw(st.from_regex(texts.ELIXIR_VERSION, fullmatch=True))
    return document


def built(of: type[Any], values: dict[str, Any]) -> Any:
    """The dataclass that the plain values of a document mean."""

    def typed(kind: Kind, value: Any) -> Any:
        match kind, value:
            case Section(below), _:
                return built(below, value)
            case Table(_, _, inner, _), _:
                return MappingProxyType({name: typed(inner, below) for name, below in value.items()})
            case _, list():
                return tuple(value)
            case _:
                return value

    known = keys(of)
    return of(**{name: typed(known[name].kind, value) for name, value in values.items()})


@given(documents(), st.booleans(), st.booleans())
@settings(max_examples=50, deadline=None)
def test_what_is_valid_comes_back(document: dict[str, Any], unicode: bool, flow: bool) -> None:
    text = yaml.safe_dump(document, allow_unicode=unicode, default_flow_style=flow, sort_keys=False)
    config = read(text.encode())
    assert config == built(Config, document)
    SCHEMA.validate(document)
    assert config is not None
    for path in ("release", "toolchain", "builder", "targets"):
        assert (path in config.marks) == (path in document)
