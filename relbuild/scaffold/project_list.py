"""The keyword list that `project/0` of a mix.exs ends with, and what is put into it."""

from __future__ import annotations

from tree_sitter import Node

from relbuild.mix import modules
from relbuild.mix.source import Source, pair_key, parse, parts


def last_pair(source: Source, *absent: str) -> Node | None:
    """Return the list's last `key: value`; None when there is no such list, and when it has one of the absent keys."""
    found = [module for module in modules.modules(source) if "Mix.Project" in module.uses]
    clauses = [clause for module in found[-1:] for clause in module.clauses if clause.name == "project"]
    if len(clauses) != 1 or not clauses[0].expressions:
        return None
    written = clauses[0].expressions[-1]
    inside = parts(written) if written.type == "list" else []
    pairs = parts(inside[-1]) if inside and inside[-1].type == "keywords" else []
    return pairs[-1] if pairs and all(pair_key(source, pair) not in absent for pair in pairs) else None


def with_lines(content: bytes, lines: list[str], *absent: str) -> str | None:
    """Return a mix.exs with the lines before the last pair of its list, None where that can't be done.

    The lines are as `mix format` leaves them at the margin, a comma at their end.
    """
    source = parse("mix.exs", content)
    last = last_pair(source, *absent)
    if last is None:
        return None
    at = last.start_byte
    before = source.content[:at]
    line = before[before.rfind(b"\n") + 1 :].decode()
    newline = "\r\n" if b"\r\n" in content else "\n"
    # A pair that begins its line gets the release on lines before it; one in `[a: 1, b: 2]` stays on its line.
    text = newline.join(f"{'' if number == 0 else line}{each}" for number, each in enumerate(lines)) + newline + line
    if line.strip():
        text = " ".join(each.strip() for each in lines).replace("[ ", "[").replace(" ]", "]") + " "
    edited = before + text.encode() + source.content[at:]
    return (content[: len(content) - len(source.content)] + edited).decode()
