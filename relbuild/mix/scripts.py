"""Shell scripts: their syntax, the files of a release's overlays, and the commands that a script runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Language, Node, Parser

from relbuild.elixir.syntax import MAX_BYTES, walk
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.project import Release

# What a shell of its own runs: nothing in there sets a variable of the script or ends it.
SUBSHELLS = frozenset({"command_substitution", "process_substitution", "subshell"})
_EXPANDED = SUBSHELLS | {"simple_expansion", "expansion", "arithmetic_expansion"}
_MESSAGE = re.compile(rb"(\$\{[A-Za-z_][A-Za-z0-9_]*:?\?)([^}$`\\]+)(?=\})")


@dataclass(frozen=True, slots=True)
class Shell:
    """A parsed script; `plain` is its content with letters in the place of EEx tags."""

    file: str
    content: bytes
    plain: bytes
    root: Node

    def text(self, node: Node) -> str:
        """Return a node as it is written."""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def literal(self, node: Node) -> str | None:
        """Return the text of a word in which nothing is expanded."""
        found = list(pieces(self, node))
        return "".join(map(str, found)) if all(isinstance(each, str) for each in found) else None

    def mark(self, node: Node) -> Mark:
        """Return where a node begins."""
        return self.mark_at(node.start_byte)

    def mark_at(self, offset: int) -> Mark:
        """Return the place of a byte offset; columns count characters."""
        line_start = self.content.rfind(b"\n", 0, offset) + 1
        before = self.content[line_start:offset].decode("utf-8", "replace")
        return Mark(self.file, self.content.count(b"\n", 0, offset) + 1, len(before) + 1)


def parse_shell(file: str, content: bytes) -> Shell:
    """Parse a script or a template of one; its root's ``has_error`` is true where it isn't a shell script."""
    import tree_sitter_bash  # loaded only where there is a script

    plain, at = bytearray(content), 0
    while (start := content.find(b"<%", at)) >= 0:
        end = content.find(b"%>", start)
        at = end + 2 if end >= 0 else len(content)
        filler = b"x" if content[start + 2 : start + 3] == b"=" else b" "
        plain[start:at] = b"".join(b"\n" if byte == 10 else filler for byte in content[start:at])
    # The parser takes quotes in the message of `${X:?message}` for the shell's.
    readable = _MESSAGE.sub(lambda found: found[1] + b"x" * len(found[2]), bytes(plain))
    root = Parser(Language(tree_sitter_bash.language())).parse(readable).root_node
    return Shell(file, content, bytes(plain), root)


def pieces(script: Shell, word: Node) -> Iterator[str | Node]:
    """Yield the texts of a word, and the nodes that are expanded between them."""
    if word.type in _EXPANDED:
        yield word
    elif word.type == "raw_string":
        yield script.text(word)[1:-1]
    elif word.type in ("string", "concatenation") or word.named_children:
        for child in word.named_children:
            yield from pieces(script, child)
    else:
        yield script.text(word)


# What runs the command that follows it.
_PREFIXES = frozenset({"command", "env", "exec", "nohup", "time"})
SHELLS = frozenset({"ash", "bash", "dash", "sh"})
_MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a script: its program, None where that is computed, its words and what it sets beforehand.

    Words that aren't literal are None. `written` is the program as the script has it, `prefix` the `exec`, `env` or the
    like before it.
    """

    program: str | None
    written: str
    words: tuple[str | None, ...]
    assigns: Mapping[str, str | None]
    at: Mark
    node: Node
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script: where it is in the release, and its syntax."""

    installed: str
    words: Shell

    @property
    def commands(self) -> Iterator[Command]:
        """The commands in the order of the text, those inside of others included."""
        for node in walk(self.words.root):
            if node.type == "command":
                yield _command(self.words, node)

    @property
    def functions(self) -> frozenset[str]:
        """The names of the functions that it defines."""
        named = (
            node.child_by_field_name("name") for node in walk(self.words.root) if node.type == "function_definition"
        )
        return frozenset(self.words.text(name) for name in named if name is not None)

    @property
    def assignments(self) -> Mapping[str, str | None]:
        """The variables that it sets for all that follows; None where the value isn't literal."""
        found: dict[str, str | None] = {}
        for node in walk(self.words.root):
            if node.type == "variable_assignment" and node.parent is not None and node.parent.type != "command":
                found.update(_assignment(self.words, node))
        return found


def overlays(tree: Tree, release: Release) -> Iterator[tuple[str, str]]:
    """Yield each file that the overlays put into the release: its path there, and in the project.

    Overlays are copied as they are: https://hexdocs.pm/mix/Mix.Tasks.Release.html#module-overlays
    """
    directories = ["rel/overlays"]
    if isinstance(release.overlays, Known):
        directories.extend(release.overlays.value)
    for directory in dict.fromkeys(directories):
        pending = [(directory, "", 0)]
        while pending:
            path, inside, depth = pending.pop()
            for name in tree.list(path):
                below = posixpath.join(inside, name.rstrip("/"))
                if not name.endswith("/"):
                    yield below, f"{directory}/{below}"
                elif depth < _MAX_DEPTH:
                    pending.append((f"{path}/{name[:-1]}", below, depth + 1))


def interpreter(content: bytes) -> str | None:
    """Return the program that runs a script, by its first line; None for a file that has no such line."""
    first = content.partition(b"\n")[0].decode("utf-8", "replace").split()
    if not first or not first[0].startswith("#!"):
        return None
    words = [first[0][2:], *first[1:]] if first[0] != "#!" else first[1:]
    if words and posixpath.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    return posixpath.basename(words[0]) if words else None


def overlay_scripts(tree: Tree, release: Release) -> Iterator[Script]:
    """Yield the shell scripts of the overlays; one that can't be read or parsed is left out."""
    for installed, path in overlays(tree, release):
        try:
            content = tree.read(path)
        except ProjectError:
            continue
        if content is None or len(content) > MAX_BYTES or interpreter(content) not in SHELLS:
            continue
        words = parse_shell(path, content)
        if not words.root.has_error:
            yield Script(installed, words)


def _command(words: Shell, node: Node) -> Command:
    assigns: dict[str, str | None] = {}
    texts: list[str | None] = []
    written: list[str] = []
    for each in node.named_children:
        if each.type == "variable_assignment":
            assigns.update(_assignment(words, each))
        elif each.type == "command_name":
            texts.append(words.literal(each.named_children[0]) if each.named_children else words.text(each))
            written.append(words.text(each))
        elif not each.type.endswith("_redirect"):
            texts.append(words.literal(each))
            written.append(words.text(each))
    prefix = None
    while texts and texts[0] in _PREFIXES and len(texts) > 1:
        prefix, *texts = texts
        written.pop(0)
        while texts and texts[0] is not None and (texts[0].startswith("-") or (prefix == "env" and "=" in texts[0])):
            if prefix == "command" and texts[0] in ("-v", "-V"):
                return Command(prefix, prefix, tuple(texts), assigns, words.mark(node), node)
            name, equals, value = (texts.pop(0) or "").partition("=")
            written.pop(0)
            if equals and not name.startswith("-"):
                assigns[name] = value
    program = texts[0] if texts else None
    return Command(program, "".join(written[:1]), tuple(texts[1:]), assigns, words.mark(node), node, prefix)


def _assignment(words: Shell, node: Node) -> Mapping[str, str | None]:
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if name is None:
        return {}
    return {words.text(name): words.literal(value) if value is not None else ""}
