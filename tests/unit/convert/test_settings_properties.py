"""Whatever keys a configuration has: those with variables move, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from relbuild.convert.settings import moved
from relbuild.init.change import Overlay
from relbuild.mix.source import parse
from tests.unit.convert.test_settings import CONFIG, Nothing

PLAIN = ("1", '"a, b"', "nil", ":x", "{127, 0}", '["x", :y]', "%{a: 1}", "[]", "Mix.env()", 'f("#", x)', "~w(a b)")
MOVABLE = ('"${V}"', "'${V}'", '"//${V}/#\\n"', '["a", "${V}"]', '{"${V}", 1}', '%{"k" => "${V}"}', '[{:a, "${V}"}]')
KEYS = ("a", "b?", "port", '"k w"', "K", "do_it")
HEADS = ("config :app", "config :app, :key", "config :other, Some.Key")

Tree = dict[str, "Tree | str"]
leaves = st.sampled_from(PLAIN) | st.sampled_from(MOVABLE)
trees = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), leaves, min_size=1),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), leaves | inner, min_size=1),
    max_leaves=8,
)
configs = st.dictionaries(st.sampled_from(HEADS), trees, min_size=1)


def numbered(tree: Tree, numbers: Iterator[int]) -> Tree:
    """Return the tree with a variable of its own in each leaf that has one."""
    return {
        key: value.replace("${V}", f"${{V{next(numbers)}}}") if isinstance(value, str) else numbered(value, numbers)
        for key, value in tree.items()
    }


def kept(tree: Tree) -> Tree:
    """Return what has to be left of the tree."""
    found: Tree = {}
    for key, value in tree.items():
        rest = value if isinstance(value, str) else kept(value)
        if rest and "${" not in rest:
            found[key] = rest
    return found


def inline(head: str, tree: Tree) -> str:
    def pairs(of: Tree) -> str:
        return ", ".join(
            f"{key}: {value if isinstance(value, str) else f'[{pairs(value)}]'}" for key, value in of.items()
        )

    return f"{head}, {pairs(tree)}\n"


def over_lines(head: str, tree: Tree) -> str:
    def pairs(of: Tree, indent: str) -> str:
        texts = [
            f"{indent}{key}: " + (value if isinstance(value, str) else f"[\n{pairs(value, indent + '  ')}\n{indent}]")
            for key, value in of.items()
        ]
        return ",\n".join(texts)

    return f"{head},\n{pairs(tree, '  ')}\n"


def in_parentheses(head: str, tree: Tree) -> str:
    return inline(head, tree).replace("config ", "config(", 1).rstrip() + ")\n"


@given(st.sampled_from((inline, over_lines, in_parentheses)), st.sampled_from(("\n", "\r\n")), configs)
def test_what_has_to_move_moves_and_all_else_stays(
    written: Callable[[str, Tree], str], newline: str, config: dict[str, Tree]
) -> None:
    numbers = iter(range(1000))
    config = {head: numbered(tree, numbers) for head, tree in config.items()}

    def text(of: dict[str, Tree]) -> str:
        return "".join(["import Config\n", *(written(head, tree) for head, tree in of.items())]).replace("\n", newline)

    before = text(config)
    left = {head: rest for head, tree in config.items() if (rest := kept(tree))}
    found = moved(Overlay(Nothing(), {CONFIG: before}))
    after = dict(found.files).get(CONFIG, before)

    assert after == text(left)
    assert "${" not in after
    runtime = "import Config\n" + "\n".join(found.runtime)
    parse("config/runtime.exs", runtime.encode())
    assert sorted(re.findall(r'env!\("(\w+)"\)', runtime)) == sorted(re.findall(r"\$\{(\w+)\}", before))
    again = moved(Overlay(Nothing(), {CONFIG: after}))
    assert again.files == {}
    assert again.runtime == ()
