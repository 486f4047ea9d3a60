"""How messages about relbuild.yml say what was found, what is wrong with it, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as Several
from typing import Any

from relbuild.config.kinds import MAX_TEXT, Section, Table, Text, keys
from relbuild.config.model import Config
from relbuild.config.nodes import Mapping, Node, Scalar, Sequence

_SHOWN = 60
_NUMBER_OR_TRUTH = r"[-+]?[0-9][0-9.]*|true|false|True|False|TRUE|FALSE"


def quoted(text: str) -> str:
    """Return the text in quotes, on one line, shortened, without what an URL says before its @."""
    text = re.sub(r"//[^/@]*@", "//…@", text)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def shown(node: Node, private: bool = False) -> str:
    """Return what a message says that the node is."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.empty:
        return "nothing"
    if private:
        return "a text"
    return (
        node.text
        if node.plain and len(node.text) <= _SHOWN and re.fullmatch(_NUMBER_OR_TRUTH, node.text)
        else quoted(node.text)
    )


def flaw(kind: Text, node: Scalar) -> tuple[str, str | None] | None:
    """Return what is wrong with the node as a text of this kind, and the next action if one is known; else None."""
    text = node.text
    if re.search("[\0\ud800-\udfff]", text):
        return "holds U+0000 or half a character (U+D800 to U+DFFF)", "take it out: no program can be given it"
    if kind.pattern is not None:
        if len(text) <= MAX_TEXT and re.fullmatch(kind.pattern, text):
            return None
        wrong = f"should be {kind.what}" + ("" if kind.private else f", is {shown(node)}")
    elif not kind.lines and re.search(r"[\r\n]", text):
        wrong = f"should be {kind.what}, has a line break"
    elif not kind.empty and not text.strip():
        wrong = f"should be {kind.what}, is empty"
    else:
        return None
    return wrong, kind.advice(text) if kind.advice is not None and len(text) <= MAX_TEXT else None


def either(words: Several[str]) -> str:
    """Return the words as "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def nearest(word: str, known: Several[str]) -> str | None:
    """Return the known word that is most like this one, or None when none is like it."""
    import difflib

    return next(iter(difflib.get_close_matches(word[:64].lower().replace("-", "_"), known, n=1)), None)


def unknown(name: str, known: tuple[str, ...]) -> str:
    """Return the next action for a name that is no key here: the key that was meant, or those that are known."""
    close = nearest(name, known)
    if close:
        return f"did you mean {close}?"
    elsewhere = [path for path in paths() if path.rpartition(".")[2] == name]
    if elsewhere:
        return f"did you mean {either([path if '.' in path else f'{path} at the top' for path in elsewhere])}?"
    return f"known here: {', '.join(known)}"


def paths(of: type[Any] = Config, before: str = "") -> Iterator[str]:
    """Yield the path of every key, a section's before those in it; NAME stands for the name of a target."""
    for name, declared in keys(of).items():
        yield before + name
        kind = declared.kind
        if isinstance(kind, Section):
            yield from paths(kind.of, f"{before}{name}.")
        elif isinstance(kind, Table) and isinstance(kind.value, Section):
            yield from paths(kind.value.of, f"{before}{name}.NAME.")
