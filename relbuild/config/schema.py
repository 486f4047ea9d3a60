"""The model → JSON Schema, for editors and for whatever writes relbuild.yml."""

from __future__ import annotations

import re
from typing import Any

from relbuild.config import texts
from relbuild.config.kinds import MAX_TEXT, Choice, Commands, Flag, Kind, Listing, Section, Table, Text, Whole, keys
from relbuild.config.model import TOOLCHAINS, Config
from relbuild.config.rules import OWN_IMAGES
from relbuild.config.target import Target

Schema = dict[str, Any]


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of relbuild.yml; null stands for a key that is not given."""
    schema = _section(Config)
    schema["properties"]["targets"]["additionalProperties"]["allOf"] = _target_rules()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "relbuild.yml",
        "description": "What relbuild should do otherwise than it would by itself. Every key is optional.",
        **_or_null(schema),
        "allOf": [*_builder_image_rules(), _git_reference_rule()],
    }


def _section(of: type[Any]) -> Schema:
    properties: Schema = {}
    for name, key in keys(of).items():
        value = _kind(key.kind) if key.required else _or_null(_kind(key.kind))
        about = key.means + (f" Default: {key.default}." if key.default else "")
        properties[name] = {**value, "description": about, "examples": [_example(key.example)]}
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    needed = [name for name, key in keys(of).items() if key.required]
    return {**schema, "required": needed} if needed else schema


def _kind(kind: Kind) -> Schema:
    match kind:
        case Text():
            return _text(kind)
        case Choice(words, other):
            return {"anyOf": [{"enum": [*words]}, _text(other)]} if other else {"enum": [*words]}
        case Whole(minimum, maximum):
            return {"type": "integer", "minimum": minimum, "maximum": maximum}
        case Flag():
            return {"type": "boolean"}
        case Listing(_, item, unique):
            return {"type": "array", "items": _text(item), **({"uniqueItems": True} if unique else {})}
        case Commands(word, item):
            return {"anyOf": [{"enum": [word, False]}, {"type": "array", "items": _text(item), "minItems": 1}]}
        case Table(_, name, value, bare):
            values = _section(value.of) if isinstance(value, Section) else _text(value)
            names = {"pattern": f"^(?:{name.pattern})$", "maxLength": MAX_TEXT}
            return {
                "type": "object",
                "propertyNames": names,
                "additionalProperties": _or_null(values) if bare else values,
            }
        case Section(of):
            return _section(of)


def _text(kind: Text) -> Schema:
    if kind.pattern is None:
        # No line break, no U+0000; then, where it may not be empty, something to see.
        pattern = r"^[^\u0000]*$" if kind.lines else r"^[^\u0000\r\n]*$"
        return {"type": ["string", "number", "boolean"], "pattern": pattern, **({} if kind.empty else _SEEN)}
    # An unquoted 27.3 is a number to an editor; relbuild takes it as it is written.
    number = any(re.fullmatch(kind.pattern, example) for example in ("1", "1.5"))
    types = {"type": ["string", "number"] if number else "string"}
    return {**types, "pattern": f"^(?:{kind.pattern})$", "maxLength": MAX_TEXT}


_SEEN = {"not": {"type": "string", "pattern": r"^\s*$"}}


def _or_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    types = schema["type"]
    return {**schema, "type": [*types, "null"] if isinstance(types, list) else [types, "null"]}


def _example(text: str) -> object:
    import yaml

    return yaml.safe_load(text)


def _builder_image_rules() -> list[Schema]:
    given = {"type": "object", "required": ["image"], "properties": {"image": {"type": "string"}}}
    none = {"properties": {"builder": {"properties": {"image": {"type": "null"}}}}}
    return [
        {"if": _is("toolchain", "image"), "then": {"required": ["builder"], "properties": {"builder": given}}},
        {"if": _is("toolchain", *OWN_IMAGES), "then": none},
    ]


def _git_reference_rule() -> Schema:
    version = {"pattern": f"^(?:{texts.ELIXIR_VERSION})$"}
    others = [word for word in TOOLCHAINS if word != "source"]
    return {"if": _is("toolchain", *others), "then": {"properties": {"elixir": version}}}


def _target_rules() -> list[Schema]:
    rules: list[Schema] = []
    for engine in ("host", "swarm", "kubernetes"):
        without = [name for name, key in keys(Target).items() if key.engines and engine not in key.engines]
        forbidden: Schema = {name: {"type": "null"} for name in without}
        if engine == "swarm":
            forbidden["publish"] = {"items": {"pattern": "^[0-9]+:[0-9]+(?:/[a-z]+)?$"}}
        rules.append({"if": _is("engine", engine), "then": {"properties": forbidden}})
    both = {"required": ["host", "context"], "properties": {"host": {"type": "string"}, "context": {"type": "string"}}}
    return [*rules, {"not": both}]


def _is(name: str, *words: str) -> Schema:
    return {"required": [name], "properties": {name: {"enum": [*words]}}}
