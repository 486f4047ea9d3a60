"""Whatever a vm.args says: a shell that reads env.sh gives the VM those words, and runs nothing of them."""

from __future__ import annotations

import re
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from relbuild.distillery import vm_args
from relbuild.distillery.env_sh import env_sh

ENVIRONMENT = {"A": "1", "B_2": "two", "HOME": "/home", "PATH": "/none", "RELEASE_COMMAND": "start"}
PIECES = ("a", "5", "${A}", "${B_2}", "$HOME", "$A", "$$", "$(x)", "`x`", "\\", '"', "'", "#", " ", ";", "|", "&", "}")
lines = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def given_to_the_vm(line: str) -> list[str]:
    """Return the words of a line as erlexec.c reads them, after Distillery put the environment in."""
    text = re.sub(r"\$\{(\w+)\}", lambda match: ENVIRONMENT[match[1]], line)
    words: list[str] = []
    quote, inside, at = "", False, 0
    while at < len(text):
        char, at = text[at], at + 1
        if not quote and char == "#":
            break
        if not quote and char == " ":
            inside = False
            continue
        if not inside:
            words.append("")
            inside = True
        if char == quote or (not quote and char in "'\""):
            quote = "" if quote else char
        elif char == "\\" and quote != "'" and at < len(text):
            words[-1], at = words[-1] + text[at], at + 1
        else:
            words[-1] += char
    return words


def by_sh(script: str, shown: str) -> list[str]:
    """Return the words that a shell makes of an expression after it read env.sh."""
    code = f'{script}\nfor each in {shown}; do printf "%s\\n" "$each"; done'
    done = subprocess.run(("/bin/sh", "-c", code), capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def closed(line: str) -> bool:
    """Say whether all quotes of a line end on it, and no backslash is its last character."""
    bare = re.sub(r"\\.", "", line)
    return not re.search(r"\\$", bare) and not re.search("['\"]", re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", bare))


@settings(max_examples=60, deadline=None)
@given(lines.filter(closed))
def test_flags_reach_the_vm_as_they_are(line: str) -> None:
    args = vm_args.read("rel/vm.args", f"+x ${{A}} {line}\n")
    script = env_sh([], args)
    assert (script is None) == (args.look != [])
    if script is not None:
        assert by_sh(script, "$ELIXIR_ERL_OPTIONS") == given_to_the_vm(f"+x ${{A}} {line}")


@settings(max_examples=60, deadline=None)
@given(lines.filter(closed))
def test_the_node_is_the_word_that_it_was(line: str) -> None:
    script = env_sh([], vm_args.read("rel/vm.args", f"-name a{line}\n"))
    assert script is not None
    assert by_sh(script, '"$RELEASE_NODE"') == given_to_the_vm(f"a{line}")[:1]
