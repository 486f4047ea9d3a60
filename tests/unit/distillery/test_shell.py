"""Hooks: which lines of a shell script go to env.sh, and for which releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relbuild.config import Config
from relbuild.distillery import conversion, shell
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Tree
from tests.unit.distillery.conftest import MIX, Files, rel_config

After = Callable[..., dict[str, str | None]]
Told = Callable[..., list[str]]
TWO = """use Distillery.Releases.Config
environment :prod do
end
release :a do
  set pre_configure_hook: "rel/x"
  set vm_args: "rel/vm.args"
end
release :b do
end
"""


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[[ -n $X ]] && echo x", "is bash syntax"),
        ("if [ $X == y ]; then :; fi", "is bash syntax"),
        ("names=(a b)", "is bash syntax"),
        ("echo ${names[0]}", "is bash syntax"),
        ("function f { :; }", "is bash syntax"),
        ("  source /etc/x", "is bash syntax"),
        ("cat <<< $X", "is bash syntax"),
        ("echo ${X,,}", "is bash syntax"),
        ("echo ${X//a/b}", "is bash syntax"),
        ("echo ${X:0:2}", "is bash syntax"),
        ("set -euo pipefail", "is bash syntax"),
        ("release_ctl eval 'x'", "release_ctl is a function of Distillery's"),
        ("test a == b", "is bash syntax"),
        ("printf -v A b", "is bash syntax"),
        ("echo $OSTYPE", "is bash syntax"),
        ("time ls", "is bash syntax"),
        ('[ -n "$A" ] || return 0', "`return` would end rel/env.sh.eex"),
        ("if a; then exit 1; fi", "`exit` would end rel/env.sh.eex"),
        ("A=1; fi", "a plain sh can't read it from here on"),
        ("if a; then fi", "a plain sh can't read what has nothing to do here"),
        ('export ERL_FLAGS="-setcookie abc"', "this line has a cookie"),
        ("export RELEASE_COOKIE=${X:-abc}", "this line has a cookie"),
        ("cd $REL_DIR", "REL_DIR is a variable of Distillery's"),
    ],
)
def test_what_is_not_plain_sh_is_not_moved(line: str, why: str) -> None:
    script = shell.moved("rel/hooks/x", f"#!/bin/bash\n{line}\n")
    assert script.lines is None
    [problem] = script.look
    assert problem.at is not None
    assert (problem.at.line, problem.message.split(": this script")[0].endswith(why)) == (2, True)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("#!/bin/sh\n\nexport A=$(echo $B | sed 's/\\./-/g')\n", ("export A=$(echo $B | sed 's/\\./-/g')",)),
        (
            "# if [[ x ]]\n: ${A:-b} ${A:=c} ${A##*/} $((1 + 2))",
            ("# if [[ x ]]", ": ${A:-b} ${A:=c} ${A##*/} $((1 + 2))"),
        ),
        ('echo "$REL_NAME-${REL_VSN}" $RELEASE_ROOT_DIR', ('echo "$RELEASE_NAME-${RELEASE_VSN}" $RELEASE_ROOT',)),
        ("export REPLACE_OS_VARS=1\nexport A=b\r\n", ("export A=b",)),
        ("export REPLACE_OS_VARS=true DB_HOST=db\n", ("export DB_HOST=db",)),
        ("REPLACE_OS_VARS=true; export REPLACE_OS_VARS\nA=1; export REPLACE_OS_VARS=1\n", ("A=1",)),
        ('export RELEASE_COOKIE="$X" COOKIE=${X}', ('export RELEASE_COOKIE="$X" COOKIE=${X}',)),
        ("f() { return 1; }\n(exit 1)", ("f() { return 1; }", "(exit 1)")),
        ('[ "$A" = b ] && . /etc/x', ('[ "$A" = b ] && . /etc/x',)),
    ],
)
def test_plain_sh_is_moved(text: str, lines: tuple[str, ...]) -> None:
    assert shell.moved("rel/hooks/x", text).lines == lines


@pytest.mark.parametrize(
    "line", ["export RELEASE_COOKIE=s3cret", "ERL_COOKIE='s3 cret' # s3cret", "export COOKIE=s3cret;"]
)
def test_a_hook_s_cookie_is_not_written_or_shown(convert: Any, line: str) -> None:
    conversion = convert("", 'set pre_configure_hook: "rel/x"', files={"rel/x": f"# COOKIE=s3cret\n{line}\nA=1\n"})
    assert "s3" not in conversion.diff() + str(conversion.look)
    assert [(str(each.at), each.message[:23]) for each in conversion.look] == [("rel/x:2:1", "this line has a cookie,")]
    [env] = [each.after for each in conversion.changes if each.path == "rel/env.sh.eex"]
    assert env.endswith("\n\nA=1\n")


def test_a_hook_of_one_release_is_guarded(after: After, told: Told) -> None:
    files = {"rel/config.exs": TWO, "rel/x": "export A=1\n", "rel/vm.args": "-name a@b\n"}
    env = after(files=files)["rel/env.sh.eex"] or ""
    assert '\n\ncase "$RELEASE_NAME" in a)\nexport A=1\n;;\nesac\n\n' in env
    assert told(files=files) == [
        "rel/config.exs:6:7: rel/vm.args.eex and rel/env.sh.eex hold for all releases: this was a's alone"
    ]


def test_what_is_no_text_is_told_once_at_its_line() -> None:
    class Bytes(Files):
        def read(self, path: str) -> bytes | None:
            if path == "rel/x":
                raise ProjectError("rel/x: larger than 16 MiB", at=Mark(path, 1))
            return b"+A 1\n# \xe9\n" if path == "rel/vm.args" else super().read(path)

    settings = 'set vm_args: "rel/vm.args", pre_configure_hook: "rel/x"\nset post_start_hooks: nil'
    tree: Tree = Bytes({"mix.exs": MIX, "rel/config.exs": rel_config(settings), "rel/vm.args": ""})
    look = [f"{each.at}: {each.message}" for each in conversion.make(tree, Config()).look if each.at]
    assert [each for each in look if not each.startswith("rel/config.exs")] == [
        "rel/vm.args:2:1: is not UTF-8",
        "rel/x:1:1: larger than 16 MiB",
    ]
    assert [each for each in look if "isn't there" in each] == []


def test_a_directory_is_no_vm_args(told: Told) -> None:
    files = {"rel/vm.args": None, "rel/d/vm.args": "+A 1\n"}
    assert told('set vm_args: "rel/d"', files=files)[-1] == "rel/d:1:1: a directory, where a file should be"
