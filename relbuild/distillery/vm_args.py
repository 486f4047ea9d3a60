"""vm.args of a Distillery release: its words as `erl` reads them, and where each belongs now."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from relbuild.distillery.shell import quoted
from relbuild.errors import Mark, Problem

_QUOTED = r""""(?:\\.|[^"\\])*"|'[^']*'"""
_PIECE = re.compile(rf"""<%.*?%>|\\.|{_QUOTED}|.""", re.DOTALL)
# Distillery's template is carried out first: what is in its tags is no matter of quotes.
_TOKEN = re.compile(rf"""\#[^\n]*|(?:<%.*?%>|\\.|{_QUOTED}|[^\s\#])+""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, quotes included, and the lines that it begins and ends on."""

    written: str
    at: Mark
    last: int

    @property
    def text(self) -> str:
        """The word as the VM is given it."""
        return "".join(map(_plain, _PIECE.findall(self.written)))

    @property
    def flag(self) -> bool:
        """Whether it is no value but the name of a flag."""
        return self.text.startswith(("-", "+"))


def split(file: str, text: str) -> list[Word]:
    """Return the words of a file, without its comments."""
    found = []
    for token in _TOKEN.finditer(text):
        if token[0].startswith("#"):
            continue
        line = text.count("\n", 0, token.start()) + 1
        at = Mark(file, line, token.start() - text.rfind("\n", 0, token.start()))
        found.append(Word(token[0], at, line + token[0].count("\n")))
    return found


def _plain(piece: str) -> str:
    if piece.startswith("\\") and len(piece) == 2:
        return piece[1]
    if len(piece) > 1 and piece[0] == piece[-1] == "'":
        return piece[1:-1]
    return re.sub(r"\\(.)", r"\1", piece[1:-1], flags=re.DOTALL) if len(piece) > 1 and piece[0] == '"' else piece


DEFAULT = "rel/vm.args"
_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}", re.ASCII)
_EEX = re.compile(r"<%=\s*(.*?)\s*%>")
# A cookie as it is, in a comment too.
SECRET = re.compile(r"""-setcookie['"]?\s+(?!["']?(?:\$\{\w+\}|<%=[^%\n]*%>)["']?(?:\s|$))\S""")
_ASSIGNS = {"release_name": "@release.name", "release_version": "@release.version", "release.name": "@release.name"}
# The cookie of rel/config.exs, which no file is to have.
_CONFIGURED_COOKIE = ("release.profile.cookie", "cookie")
_NODE = {"-name": "name", "-sname": "sname"}
# What Mix's own start script gives: https://hexdocs.pm/mix/Mix.Tasks.Release.html#module-vm-args-and-env-sh-env-bat
_OWN = ("-config", "-args_file", "-mode", "-boot", "-boot_var")


@dataclass(slots=True)
class VmArgs:
    """What becomes of a vm.args: its own lines, the node, the cookie's expression and the flags for env.sh."""

    lines: list[str] = field(default_factory=list)
    distribution: str | None = None
    node: str | None = None
    """The node's name as it stands in double quotes."""
    cookie: str | None = None
    secret: bool = False
    """Whether a cookie stands in the file."""
    configured_cookie: bool = False
    """Whether it takes the cookie of rel/config.exs."""
    options: list[str] = field(default_factory=list)
    """The flags for env.sh, as they stand in double quotes."""
    look: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """The lines of some flags with their values, and the words of them that aren't taken out."""

    lines: list[str]
    words: list[Word]
    whole: bool


def read(file: str, text: str) -> VmArgs:
    """Return what becomes of a vm.args, whose words stand on lines as they like."""
    result = VmArgs()
    text = text.replace("\r\n", "\n").removesuffix("\n")
    words = split(file, text)
    rest = _without_node(result, words)
    for item in _items(text.split("\n"), words, rest):
        if isinstance(item, str):
            # EEx is carried out in comments, too.
            assigned = _assigned(item)
            result.lines.append(item.replace("<%", "<%%") if assigned is None else assigned)
            continue
        count = len(result.lines)
        if item.words:
            _add(result, item)
        if len(result.lines) == count:
            _drop_comment(result.lines)
    result.lines = _collapsed(result.lines)
    return result


def _items(lines: list[str], words: list[Word], rest: list[Word]) -> list[str | _Group]:
    """Return a file's comments and blank lines, and between them its flags, each with the values on later lines."""
    found: list[str | _Group] = []
    number = 1
    cookie = False
    while number <= len(lines):
        own = [word for word in words if word.at.line == number]
        last = max((word.last for word in own), default=number)
        written = lines[number - 1 : last]
        if not own:
            # A comment's cookie may stand on its next line.
            hidden = cookie or "setcookie" in written[0]
            cookie = written[0].rstrip(" \t'\"").endswith("setcookie")
            found += [] if hidden else written
        else:
            kept = [word for word in own if word in rest]
            group = _Group(written, kept, len(kept) == len(own))
            before = next((each for each in reversed(found) if isinstance(each, _Group)), None)
            if before is not None and before.words and kept and not kept[0].flag:
                before.lines += group.lines
                before.words += kept
                before.whole = before.whole and group.whole
            else:
                found.append(group)
        number = last + 1
    return found


def _without_node(result: VmArgs, words: list[Word]) -> list[Word]:
    """Take node and cookie out, and return the other words."""
    rest: list[Word] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word.text in _NODE and left and not left[0].flag:
            result.distribution, result.node = _NODE[word.text], _in_shell(result, left.pop(0), word.at)
        elif word.text == "-setcookie":
            # Its values are a cookie, or a node and a cookie.
            count = next((at for at, each in enumerate(left) if each.flag), len(left))
            if count:
                _take_cookie(result, left[:count], word.at)
            del left[:count]
        else:
            rest.append(word)
    return rest


def _in_shell(result: VmArgs, word: Word, at: Mark) -> str | None:
    """Return a word as it stands in double quotes in env.sh.eex; None where it can't be told."""
    node = _assigned(word.text)
    if node is None or _unnamed(node):
        message = f"the node's name is computed: {word.written}"
        result.look.append(Problem(message, at, "set RELEASE_NODE in rel/env.sh.eex"))
        return None
    return quoted(node)


def _take_cookie(result: VmArgs, values: list[Word], at: Mark) -> None:
    text = values[0].text
    eex = _EEX.fullmatch(text)
    if len(values) == 1 and _VARIABLE.fullmatch(text):
        result.cookie = quoted(text)
    elif len(values) == 1 and eex and eex[1] in _CONFIGURED_COOKIE:
        result.configured_cookie = True
    else:
        result.secret = True
        message = "this line has a cookie, which is not copied: a secret has no place in a file of the project"
        result.look.append(Problem(message, at, "set RELEASE_COOKIE where the release runs, to a new value"))


def _add(result: VmArgs, group: _Group) -> None:
    """Add flags to vm.args or to env.sh's, or tell why they are in neither."""
    at, written = group.words[0].at, " ".join(word.written for word in group.words)
    text = _assigned(written)
    own = next((word.text for word in group.words if word.text in _OWN), None)
    if text is None:
        hint = "rel/vm.args.eex knows @release alone: write it there"
        result.look.append(Problem("this flag is computed by Distillery's template, and isn't taken over", at, hint))
    elif own is not None:
        hint = "what it names belongs into config/runtime.exs or rel/vm.args.eex"
        result.look.append(Problem(f"{own} is Mix's own business, and isn't taken over", at, hint))
    elif "${" in written:
        _add_option(result, group.words, text, at)
    else:
        lines = [_assigned(line) for line in group.lines]
        shown = group.whole and not any(line is None or "setcookie" in line for line in lines)
        result.lines += [line for line in lines if line is not None] if shown else [text]


def _add_option(result: VmArgs, words: list[Word], written: str, at: Mark) -> None:
    """Add flags with variables to env.sh's; tell of those that a shell would take for something else."""
    texts = [_assigned(word.text) or "" for word in words]
    if any(map(_unnamed, texts)):
        message = f"a ${{…}} in it is no variable's plain name, and isn't taken over: {written}"
        hint = "give it in rel/env.sh.eex, by ELIXIR_ERL_OPTIONS and a plain sh's own ${…}"
        result.look.append(Problem(message, at, hint))
    elif any(re.search(r"[\s*?\[]|^$", _EEX.sub("x", text)) for text in texts):
        message = f"this flag isn't moved: a shell splits ELIXIR_ERL_OPTIONS at blanks and fills in * ? [ : {written}"
        hint = "export it as ERL_FLAGS, whose quotes the VM reads, in rel/env.sh.eex, or write its value as one word"
        result.look.append(Problem(message, at, hint))
    else:
        result.options.append(quoted(" ".join(texts)))


def _unnamed(text: str) -> bool:
    """Return whether a text has a ``${…}`` that is more than a name, which Distillery didn't know."""
    return "${" in _VARIABLE.sub(" ", text)


def _assigned(line: str) -> str | None:
    """Return a line with the names that Mix's templates have; None where it asks for something else."""
    if any(match[1] not in _ASSIGNS for match in _EEX.finditer(line)):
        return None
    result = _EEX.sub(lambda match: f"<%= {_ASSIGNS[match[1]]} %>", line)
    return None if "<%" in _EEX.sub("", result) else result


def _drop_comment(lines: list[str]) -> None:
    """Take away the comment right above a flag that goes: it is about that flag."""
    while lines and re.match(r"\s*#+\s*[^-+#\s]", lines[-1]):
        del lines[-1]


def _collapsed(lines: list[str]) -> list[str]:
    """Return the lines without blank ones at both ends and without two in a row."""
    kept = [line for number, line in enumerate(lines) if line.strip() or (number and lines[number - 1].strip())]
    while kept and not kept[0].strip():
        del kept[0]
    while kept and not kept[-1].strip():
        del kept[-1]
    return kept
