"""Each way relbuild.yml can be wrong: refused.txt holds the file and the whole report, case by case."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from relbuild.config import parse
from relbuild.config.schema import json_schema
from relbuild.errors import ConfigError, Mark, Problem

_, *CASES = (Path(__file__).parent / "refused.txt").read_text().split("========\n")
PAIRS = [tuple(part.strip("\n") for part in case.split("\n--------\n")) for case in CASES]

# What only relbuild sees: how the text is written is gone before a schema is asked.
SEEN_IN_THE_TEXT_ALONE = (
    "elixir: 1",  # Of a number a schema can't tell 1 from 1.0,  # which with 27 and 27.0 makes a difference.
    "healthcheck: {path: /, port: 080}",
    'migrate: "\\ud800"',
    "elixir: 1.18.4\notp: 27.3\nelixir: 1.17.0",
    "targets: {a: {engine: host, engine: swarm}}",
    "elixir: !!str 1.18",
    "image: ! shop",
    "!!map {elixir: 1.18.4}",
    "elixir: &version 1.18.4",
    "targets: {a: &a {engine: host}, b: *a}",
    "targets: {a: {<<: {replicas: 2}, engine: swarm}}",
)


class Core(yaml.SafeLoader):
    """YAML as an editor reads it: the core schema of YAML 1.2, in which yes is a text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own way)


for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", "<<", ["<"]),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), first)
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def report(data: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(data)
    return "\n".join(f"{problem.at}: {problem.message}\n    {problem.hint}" for problem in caught.value.problems)


@pytest.mark.parametrize(("text", "expected"), PAIRS, ids=[text[:40] for text, _ in PAIRS])
def test_report(text: str, expected: str) -> None:
    assert report(text.encode()) == expected


@pytest.mark.parametrize("text", [text for text, _ in PAIRS if text not in SEEN_IN_THE_TEXT_ALONE])
def test_the_schema_refuses_it_too(text: str) -> None:
    try:
        document = yaml.load(text, Loader=Core)
    except yaml.YAMLError:
        return
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(document)


@pytest.mark.parametrize("text", SEEN_IN_THE_TEXT_ALONE)
def test_what_the_schema_cannot_see(text: str) -> None:
    assert text in dict(PAIRS)
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(yaml.load(text, Loader=Core))


@pytest.mark.parametrize(("text", "expected"), PAIRS, ids=[text[:40] for text, _ in PAIRS])
def test_the_scanner_in_python_says_the_same_lines(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    with pytest.raises(ConfigError) as caught:
        parse(text.encode())
    lines = [int(line.split(":")[1]) for line in expected.splitlines()[::2]]
    assert [problem.at.line for problem in caught.value.problems if problem.at] == lines


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (
            b"x" * 10_485_760,
            Problem(
                "relbuild.yml has 10240 KiB, more than the 64 KiB that relbuild reads",
                Mark("relbuild.yml", 1, 1),
                "give --config the right file; relbuild init writes a new one",
            ),
        ),
        (b"\xff\xfer\x00", Problem("relbuild.yml is UTF-16", Mark("relbuild.yml", 1, 1), "save it as UTF-8")),
        (b"\xfe\xff\x00r", Problem("relbuild.yml is UTF-16", Mark("relbuild.yml", 1, 1), "save it as UTF-8")),
        (
            b"r\x00:\x00",
            Problem("a character that YAML does not allow: U+0000", Mark("relbuild.yml", 1, 2), "save it as UTF-8"),
        ),
        (
            "# é\r\nrelease: é".encode() + b"\xe9\n",
            Problem("relbuild.yml is not UTF-8: byte 0xe9", Mark("relbuild.yml", 2, 11), "save it as UTF-8"),
        ),
        (
            "é: \x1b[31m".encode(),
            Problem(
                "a character that YAML does not allow: U+001B",
                Mark("relbuild.yml", 1, 4),
                'delete it; in double quotes it can be written as "\\u001b"',
            ),
        ),
        (
            b"[" * 20_000,
            Problem(
                "nested more than 32 levels deep", Mark("relbuild.yml", 1, 33), "relbuild.yml needs four levels at most"
            ),
        ),
        (
            b"- " * 20_000,
            Problem(
                "nested more than 32 levels deep", Mark("relbuild.yml", 1, 65), "relbuild.yml needs four levels at most"
            ),
        ),
        (
            b"targets: {a: " + b"{ [\n" * 5_000,
            Problem(
                "nested more than 32 levels deep", Mark("relbuild.yml", 16, 1), "relbuild.yml needs four levels at most"
            ),
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value.message,
)
def test_unreadable(data: bytes, problem: Problem) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(data)
    assert caught.value.problems == (problem,)


def test_a_long_text_is_shown_short() -> None:
    long = "A" * 20_000
    what = "a release's name: small letters, digits and _, a letter first"
    assert report(f"release: {long}".encode()) == (
        f"relbuild.yml:1:10: release: should be {what}, is '{long[:59]}…'\n    write release: shop"
    )
    assert max(map(len, report(f"image: {long}\nelixir: {long}\n{long}: 1".encode()).splitlines())) < 250


def test_no_secret_is_repeated() -> None:
    text = """\
builder: {env: {A: "s3cr3t\\n", B: [s3cr3t]}, secrets: [A=s3cr3t, {A: s3cr3t}]}
runner: {env: A=s3cr3t}
targets: {a: {engine: host, host: "ssh://me:s3cr3t@web1", env: {A: "s3cr3t\\0"}}}
"""
    assert "s3cr3t" not in report(text.encode())
    assert len(report(text.encode()).splitlines()) == 14


def test_the_byte_order_mark_is_no_column() -> None:
    assert parse(b"\xef\xbb\xbfrelease: shop").marks == {"release": Mark("relbuild.yml", 1, 10)}


def test_an_escape_beyond_the_last_character(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b'migrate: "\\UFFFFFFFF"'
    assert report(text) == (
        "relbuild.yml:1:13: not YAML: found invalid Unicode character escape code, while parsing a quoted scalar\n"
        "    use single quotes, in which a backslash is a backslash"
    )
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert report(text).endswith("\n    look for an escape such as \\U that stands for no character")
