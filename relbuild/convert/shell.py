"""Shell code that Distillery ran: whether env.sh, which a plain sh reads, can have it, and under which names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.errors import Mark, Problem
from relbuild.values import dataclass

# Distillery's variables (its docs/extensibility/shell_scripts.md), and what a release of Mix's calls the same thing.
_RENAMED = {"RELEASE_ROOT_DIR": "RELEASE_ROOT", "REL_NAME": "RELEASE_NAME", "REL_VSN": "RELEASE_VSN"}
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
    "== in [": r"\[\s[^]]*\s==\s",
    "&>": r"&>|\|&",
    "<(…)": r"[<>]\(",
    "$'…'": r"(?:^|[\s=])\$'",
    "{1..9}": r"\{\w+\.\.\w+\}",
    "pipefail": r"\bpipefail\b",
    "$RANDOM": r"\$\{?(?:RANDOM|BASH_\w+|BASH|FUNCNAME|SECONDS)\b",
    "a builtin of bash's": _BEGIN + r"(?:declare|typeset|let|mapfile|readarray|shopt|pushd|popd|select)\s",
}
_COMMENT = re.compile(r"\s#\s.*$")


@dataclass(frozen=True, slots=True)
class Script:
    """A script's lines for env.sh, None where a person has to write them; `look` says why, each at its place."""

    lines: tuple[str, ...] | None
    look: tuple[Problem, ...]


def moved(file: str, text: str) -> Script:
    """Return what env.sh gets of a script that Distillery sourced before each command."""
    lines = text.replace("\r\n", "\n").split("\n")
    hint = f"write it into rel/env.sh.eex for a plain sh, then remove {file}"
    look = tuple(
        Problem(f"{why}: this script isn't moved to rel/env.sh.eex", Mark(file, number, column), hint)
        for number, line in enumerate(lines, 1)
        for column, why in _refused(line)
    )
    if look:
        return Script(None, look)
    kept = [line for number, line in enumerate(lines) if not (number == 0 and line.startswith("#!"))]
    kept = [renamed(line) for line in kept if not re.search(r"\bREPLACE_OS_VARS\b", line)]
    while kept and not kept[0].strip():
        del kept[0]
    while kept and not kept[-1].strip():
        del kept[-1]
    return Script(tuple(kept), ())


def renamed(line: str) -> str:
    """Return a line with the names that a release of Mix's has for the same variables."""
    names = "|".join(_RENAMED)
    return re.sub(rf"(?<=\$)(\{{?)({names})\b", lambda match: f"{match[1]}{_RENAMED[match[2]]}", line)


def quoted(text: str) -> str:
    """Return a text as it stands in double quotes: ``${NAME}`` alone is anything but itself there."""
    own = re.sub(r"\$\{(\w+)\}", lambda match: f"${{{_RENAMED.get(match[1], match[1])}}}", text)
    return re.sub(r'(["`\\]|\$(?!\{[A-Za-z_][A-Za-z0-9_]*\}))', r"\\\1", own)


def _refused(line: str) -> Iterator[tuple[int, str]]:
    """Yield the column of what env.sh can't have, and why; one for each line."""
    if line.lstrip().startswith("#"):
        return
    # In quotes a # begins no comment.
    code = line if re.search("['\"]", line) else _COMMENT.sub("", line)
    for name, pattern in _BASH.items():
        if match := re.search(pattern, code):
            yield match.start() + 1, f"`{name}` is bash's" if not name.startswith("a") else f"{name} is no plain sh"
            return
    if match := re.search(rf"\$\{{?({_OWN})\b", code):
        yield match.start() + 1, f"{match[1]} is a variable of Distillery's"
    elif match := re.search(rf"{_BEGIN}({_FUNCTIONS})(?:\s|$)", code):
        yield match.start(1) + 1, f"{match[1]} is a function of Distillery's"
