"""vm.args: the VM's flags stay in rel/vm.args.eex; node, cookie and what comes from the environment go to env.sh."""

from __future__ import annotations

import re
from dataclasses import field

from relbuild.errors import Mark, Problem
from relbuild.values import dataclass

DEFAULT = "rel/vm.args"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_EEX = re.compile(r"<%=\s*(.*?)\s*%>")
# A cookie as it is, in a comment too.
SECRET = re.compile(r"-setcookie\s+(?!\$\{|<%)\S")
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
    cookie: str | None = None
    secret: bool = False
    """Whether a cookie stands in the file."""
    configured_cookie: bool = False
    """Whether it takes the cookie of rel/config.exs."""
    options: list[str] = field(default_factory=list)
    look: list[Problem] = field(default_factory=list)


def read(file: str, text: str) -> VmArgs:
    """Return what becomes of a vm.args, whose flags stand one or more on a line."""
    result = VmArgs()
    for number, line in enumerate(text.replace("\r\n", "\n").removesuffix("\n").split("\n"), 1):
        at = Mark(file, number, len(line) - len(line.lstrip()) + 1)
        if re.match(r"\s*#.*-setcookie", line):
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            # EEx is carried out in comments, too.
            assigned = _assigned(line)
            result.lines.append(line.replace("<%", "<%%") if assigned is None else assigned)
            continue
        rest = _without_node(result, line, at)
        count = len(result.lines)
        if rest:
            _add(result, line if rest == line.split() else " ".join(rest), at)
        if len(result.lines) == count:
            _drop_comment(result.lines)
    result.lines = _collapsed(result.lines)
    return result


def _without_node(result: VmArgs, line: str, at: Mark) -> list[str]:
    """Take node and cookie from a line and return its other words."""
    # `<%= x %>` is one word, whatever its white space.
    words = _EEX.sub(lambda match: f"<%={match[1].replace(' ', '')}%>", line).split()
    if not {*_NODE, "-setcookie"}.intersection(words):
        return line.split()
    rest: list[str] = []
    while words:
        word = words.pop(0)
        if word in _NODE and words:
            result.distribution, result.node = _NODE[word], _in_shell(result, words.pop(0), at)
        elif word == "-setcookie" and words:
            _take_cookie(result, words.pop(0), at)
        else:
            rest.append(word)
    return rest


def _in_shell(result: VmArgs, text: str, at: Mark) -> str | None:
    """Return a word as it stands in double quotes in env.sh.eex; None where it can't be told."""
    node = _assigned(text)
    if node is None:
        message = f"the node's name is computed: {text}"
        result.look.append(Problem(message, at, "set RELEASE_NODE in rel/env.sh.eex"))
        return None
    return re.sub(r'(["`\\]|\$(?!\{\w))', r"\\\1", node.strip("'\""))


def _take_cookie(result: VmArgs, word: str, at: Mark) -> None:
    eex = _EEX.fullmatch(word)
    if _VARIABLE.fullmatch(word.strip("'\"")):
        result.cookie = word.strip("'\"")
    elif eex and eex[1] in _CONFIGURED_COOKIE:
        result.configured_cookie = True
    else:
        result.secret = True
        message = "a cookie stands here, and is not taken over: a file of the project is no place for a secret"
        result.look.append(Problem(message, at, "set RELEASE_COOKIE where the release runs, to a new value"))


def _add(result: VmArgs, line: str, at: Mark) -> None:
    text = _assigned(line)
    own = next((word for word in line.split() if word in _OWN), None)
    if text is None:
        hint = "rel/vm.args.eex knows @release alone: write it there"
        result.look.append(Problem("this flag is computed by Distillery's template, and isn't taken over", at, hint))
    elif own is not None:
        hint = "what it names belongs into config/runtime.exs or rel/vm.args.eex"
        result.look.append(Problem(f"{own} is Mix's own business, and isn't taken over", at, hint))
    elif _VARIABLE.search(text):
        result.options.append(text.strip())
    else:
        result.lines.append(text)


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
