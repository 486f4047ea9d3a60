"""Shell code that Distillery ran: whether env.sh, which a plain sh reads, can have it, and under which names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from relbuild.errors import Mark, Problem
from relbuild.mix.scripts import parse_shell

# Distillery's variables (its docs/extensibility/shell_scripts.md), and what a release of Mix's calls the same thing.
RENAMED = {"RELEASE_ROOT_DIR": "RELEASE_ROOT", "REL_NAME": "RELEASE_NAME", "REL_VSN": "RELEASE_VSN"}
_OWN = (
    "BINDIR|CODE_LOADING_MODE|ERL_OPTS|ERTS_DIR|ERTS_LIB_DIR|ERTS_VSN|EXTRA_OPTS|NAME_ARG|NAME_TYPE|PIPE_DIR|"
    "RELEASE_CONFIG_DIR|RELEASE_LIBEXEC_DIR|RELEASE_MUTABLE_DIR|RELEASES_DIR|REL_DIR|REL_LIB_DIR|RUNNER_LOG_DIR|"
    "RUN_ERL_ENV|SCRIPT|SCRIPT_DIR|SYS_CONFIG_PATH|VMARGS_PATH"
)
_FUNCTIONS = (
    "fail|notice|success|info|require_live_node|get_pid|gen_nodename|gen_id|release_ctl|release_remote_ctl|escript|"
    "otp_vsn|erts_vsn|erts_root|run_hooks"
)
_BEGIN = r"(?:^|[;&|(`]|\b(?:then|do|else|if|while|until)\b)\s*!?\s*"
# Syntax and variables that bash has and POSIX doesn't:
# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
_BASH = re.compile(
    r"\[\[|(?<!\$)\(\(|<<<|[<>]\(|&>|\|&|(?:^|[\s=])\$'|\w\+?=\(|\w\+=|\$\{!|\$\{\w+(?:[\[,^/]|:(?![-=?+]))|\{\w+\.\.\w+\}|"
    r"\[\s[^]]*\s==\s|\bpipefail\b|\$\{?(?:RANDOM|OSTYPE|SECONDS|FUNCNAME|BASH\w*)\b|"
    rf"{_BEGIN}(?:source|function|declare|typeset|let|mapfile|readarray|shopt|pushd|popd|select|time|printf\s+-v)\s|"
    rf"{_BEGIN}test\s[^;&|]*\s==\s"
)
_COMMENT = re.compile(r"\s#\s.*$")


_REPLACE = r"REPLACE_OS_VARS(?:=(?:\"[^\"]*\"|'[^']*'|[^\s;&|)]*))"
# What Distillery asked for, and nothing of a release's of Mix's reads.
_REPLACED = (
    re.compile(rf"(?<![\w$])(?:export\s+)?(?:{_REPLACE}|(?<=export )REPLACE_OS_VARS)[ \t]*(?:;(?!;)|&&)[ \t]*"),
    re.compile(rf"(?<![\w$]){_REPLACE}[ \t]*|(?<=export )REPLACE_OS_VARS\b[ \t]*"),
    # On its own it would print all variables.
    re.compile(r"[ \t]*(?:;|&&)?[ \t]*\bexport[ \t]*$|[ \t]*&&[ \t]*$"),
)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's lines for env.sh, None where a person has to write them; `look` says why, each at its place."""

    lines: tuple[str, ...] | None
    look: tuple[Problem, ...]
    secret: bool = False
    """Whether a cookie stands in the script."""


def moved(file: str, text: str) -> Script:
    """Return what env.sh gets of a script that Distillery sourced before each command."""
    lines = text.replace("\r\n", "\n").split("\n")
    found = [
        (Mark(file, number, column), why) for number, line in enumerate(lines, 1) for column, why in _refused(line)
    ]
    found = found or list(syntax_problems(file, "\n".join(lines)))
    kept, look = _without_cookies(file, lines)
    secret = kept != lines
    kept = [after for number, line in enumerate(kept) if (after := _moved(number, line)) is not None]
    if not found and next(syntax_problems(file, "\n".join(kept)), None) is not None:
        found = [(Mark(file, 1), "without what mix release has no use for it is no script")]
    if found:
        hint = f"write it into rel/env.sh.eex for a plain sh, then remove {file}"
        told = tuple(Problem(f"{why}: this script isn't moved to rel/env.sh.eex", at, hint) for at, why in found)
        return Script(None, told, secret)
    while kept and not kept[0].strip():
        del kept[0]
    while kept and not kept[-1].strip():
        del kept[-1]
    return Script(tuple(kept), look, secret)


def _without_cookies(file: str, lines: list[str]) -> tuple[list[str], tuple[Problem, ...]]:
    """Return the lines with empty ones in the place of cookies, and what to say of those."""
    kept, look = [], []
    for number, line in enumerate(lines, 1):
        held = holds_cookie(line)
        kept.append("" if held else line)
        if held and not line.lstrip().startswith("#"):
            message = "this line has a cookie, which is not copied: a secret has no place in a file of the project"
            hint = "set RELEASE_COOKIE where the release runs, to a new value"
            look.append(Problem(message, Mark(file, number), hint))
    return kept, tuple(look)


def _moved(number: int, line: str) -> str | None:
    """Return a line as env.sh has it, None where nothing is left of it."""
    if number == 0 and line.startswith("#!"):
        return None
    if not re.search(r"\bREPLACE_OS_VARS\b", line):
        return renamed(line)
    if line.lstrip().startswith("#"):
        return None
    rest = line
    for pattern in _REPLACED:
        rest = pattern.sub("", rest)
    left = re.sub(r"(?:^|\s)#.*|\bexport\b|[;\s]", "", rest)
    return renamed(rest.rstrip()) if left else None


def renamed(line: str) -> str:
    """Return a line with the names that a release of Mix's has for the same variables."""
    names = "|".join(RENAMED)
    return re.sub(rf"(?<=\$)(\{{?)({names})\b", lambda match: f"{match[1]}{RENAMED[match[2]]}", line)


def quoted(text: str) -> str:
    """Return a text as it stands in double quotes: ``${NAME}`` alone is anything but itself there."""
    own = re.sub(r"\$\{(\w+)\}", lambda match: f"${{{RENAMED.get(match[1], match[1])}}}", text)
    return re.sub(r'(["`\\]|\$(?!\{[A-Za-z_][A-Za-z0-9_]*\}))', r"\\\1", own)


def _refused(line: str) -> Iterator[tuple[int, str]]:
    """Yield the column of what env.sh can't have, and why; one for each line."""
    if line.lstrip().startswith("#"):
        return
    # In quotes a # begins no comment.
    if holds_cookie(line) and not only_sets_cookie(line):
        yield 1, "this line has a cookie"
        return
    code = line if re.search("['\"]", line) else _COMMENT.sub("", line)
    if match := _BASH.search(code):
        yield match.start() + 1, f"`{match[0].strip()}` is bash syntax"
    elif match := re.search(rf"\$\{{?({_OWN})\b", code):
        yield match.start() + 1, f"{match[1]} is a variable of Distillery's"
    elif match := re.search(rf"{_BEGIN}({_FUNCTIONS})(?:\s|$)", code):
        yield match.start(1) + 1, f"{match[1]} is a function of Distillery's"


_COOKIE_ELSEWHERE = r"""(?:""|''|"?\$(?:\w+|\{\w+\}|\(cat [^()`\n]*\))"?)?(?=[\s;&|)]|$)"""
_COOKIE_NAME = r"\w*COOKIE|(?:ERL|ERLANG|NODE|RELEASE)_?COOKIE\w*"
_COOKIE_HELD = re.compile(
    rf"(?:\b(?:{_COOKIE_NAME})=|-setcookie['\"]?\s+)(?!{_COOKIE_ELSEWHERE})"
    r"|\$\{\w*COOKIE\w*:?[-=+](?![$}])"
    r"|-setcookie\s*\\?$"
    r"|\b(?:echo|printf)\b.*\.erlang\.cookie",
    re.IGNORECASE,
)
_COOKIE_ALONE = re.compile(
    rf"\s*(?:export\s+)?(?:{_COOKIE_NAME})=(?:\"[^\"$`\\]*\"|'[^']*'|[^\s;&|<>()\"'`$\\]+)\s*(?:;\s*)?(?:\s#.*)?",
    re.IGNORECASE,
)


def holds_cookie(line: str) -> bool:
    """Return whether a line, or comment, holds a cookie."""
    return _COOKIE_HELD.search(line) is not None


def only_sets_cookie(line: str) -> bool:
    """Return whether a line that holds a cookie does nothing but set it."""
    return _COOKIE_ALONE.fullmatch(line) is not None


# What ends there ends nothing but itself.
_APART = ("function_definition", "subshell", "command_substitution", "process_substitution")

# The parser takes what a shell doesn't: nothing between these.
_EMPTY = re.compile(r"(?m)(?:^|[;\s])(?:then|else|do)\s+(?:fi|else|elif|done)\b")
_CLOSING = ("then", "elif", "else", "fi", "do", "done", "esac")
_COMMENT_LINE = re.compile(r"(?m)^[ \t]*#.*$")


def syntax_problems(file: str, text: str) -> Iterator[tuple[Mark, str]]:
    """Yield the place of what is no shell script, or of what would end env.sh, and why it isn't moved."""
    script = parse_shell(file, text.encode())
    if script.root.has_error:
        yield script.mark(_error(script.root)), "a plain sh can't read it from here on"
        return
    code = _COMMENT_LINE.sub("", text)
    if empty := _EMPTY.search(code):
        yield Mark(file, code.count("\n", 0, empty.start()) + 1), "a plain sh can't read what has nothing to do here"
        return
    for node in _inside(script.root):
        name = node.child_by_field_name("name") if node.type == "command" else None
        command = script.text(name) if name is not None else ""
        if command in ("return", "exit"):
            yield script.mark(node), f"`{command}` would end rel/env.sh.eex"
        elif command in _CLOSING:
            yield script.mark(node), "a plain sh can't read it from here on"


def _inside(node: Node) -> Iterator[Node]:
    left = [node]
    while left:
        each = left.pop()
        yield each
        left += [child for child in reversed(each.named_children) if child.type not in _APART]


def _error(root: Node) -> Node:
    """Return the first node that is an error; the root where it can't be told."""
    node = root
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            return node
        node = inner
    return node
