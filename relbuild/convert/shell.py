"""Shell code that Distillery ran: whether env.sh, which a plain sh reads, can have it, and under which names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.convert import shell_cookie, shell_syntax
from relbuild.errors import Mark, Problem
from relbuild.values import dataclass

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
# What bash has and POSIX doesn't: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
_BASH = {
    "[[": _BEGIN + r"\[\[(?=\s)",
    "((": _BEGIN + r"\(\(",
    "<<<": r"<<<",
    "function": _BEGIN + r"function\s+\w",
    "source": _BEGIN + r"source\s",
    "an array": r"(?:^|[\s;])\w+\+?=\(|\$\{!?\w+\[",
    "+=": r"(?:^|[\s;])\w+\+=",
    "${x,,}": r"\$\{\w+(?:,|\^)",
    "${x/a/b}": r"\$\{\w+/",
    "${x:0:1}": r"\$\{\w+:\s*[\d$(]",
    "${!x}": r"\$\{!\w",
    "== in test": _BEGIN + r"test\s[^;&|]*\s==\s",
    "printf -v": _BEGIN + r"printf\s+-v\b",
    "time": _BEGIN + r"time\s",
    "== in [": r"\[\s[^]]*\s==\s",
    "&>": r"&>|\|&",
    "<(…)": r"[<>]\(",
    "$'…'": r"(?:^|[\s=])\$'",
    "{1..9}": r"\{\w+\.\.\w+\}",
    "pipefail": r"\bpipefail\b",
    "$OSTYPE": r"\$\{?OSTYPE\b",
    "$RANDOM": r"\$\{?(?:RANDOM|BASH_\w+|BASH|FUNCNAME|SECONDS)\b",
    "a builtin of bash's": _BEGIN + r"(?:declare|typeset|let|mapfile|readarray|shopt|pushd|popd|select)\s",
}
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
    found = found or list(shell_syntax.refused(file, "\n".join(lines)))
    kept, look = _without_cookies(file, lines)
    secret = kept != lines
    kept = [after for number, line in enumerate(kept) if (after := _moved(number, line)) is not None]
    if not found and next(shell_syntax.refused(file, "\n".join(kept)), None) is not None:
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
        held = shell_cookie.held(line)
        kept.append("" if held else line)
        if held and not line.lstrip().startswith("#"):
            message = "a cookie stands here, and is not taken over: a file of the project is no place for a secret"
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
    if shell_cookie.held(line) and not shell_cookie.alone(line):
        yield 1, "a cookie stands here"
        return
    code = line if re.search("['\"]", line) else _COMMENT.sub("", line)
    for name, pattern in _BASH.items():
        if match := re.search(pattern, code):
            yield match.start() + 1, f"`{name}` is bash's" if not name.startswith("a") else f"{name} is no plain sh"
            return
    if match := re.search(rf"\$\{{?({_OWN})\b", code):
        yield match.start() + 1, f"{match[1]} is a variable of Distillery's"
    elif match := re.search(rf"{_BEGIN}({_FUNCTIONS})(?:\s|$)", code):
        yield match.start(1) + 1, f"{match[1]} is a function of Distillery's"
