"""What a rel/env.sh.eex requires, as the sh that sources it would find it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.errors import Mark
from relbuild.mix.environment import Contract

SHAPES = {
    ": ${A:?set A first}": {"A": "! empty, or not set: set A first"},
    'export B="${A:?"set A first"}"': {"A": "! empty, or not set: set A first"},
    ": ${A?}": {"A": "! not set"},
    ": ${A:?}": {"A": "! empty, or not set"},
    ': "${A:?it\'s (not) set}" "${B:?two\nlines}"': {
        "A": "! empty, or not set: it's (not) set",
        "B": "! empty, or not set: two\nlines",
    },
    ": ${A:?not $B}": {"A": "! empty, or not set: not $B", "B": ""},
    "export B=$A": {"A": ""},
    "export B=${A:-x}": {"A": "= 'x'"},
    'export B="${A:-"x y"}"': {"A": "= 'x y'"},
    "export B=${A:-$(hostname)}": {"A": "= ($(hostname))"},
    ": ${A:=x}\nexport A\n: ${A:?}": {"A": "= 'x'"},
    '[ -z "$A" ] && exit 1': {"A": "! empty, or not set"},
    '[ -n "$A" ] || { echo "no A" >&2; exit 1; }': {"A": "! empty, or not set: no A"},
    'if [ -z "${A:-}" ]; then\n  echo "A is missing"\n  exit 1\nfi': {"A": "! empty, or not set: A is missing"},
    "if test -z $A; then return 1; fi": {"A": "! empty, or not set"},
    'if [ "$A" = "" ]; then exit 1; fi': {"A": "! empty, or not set"},
    'if [ ! -z "$A" ]; then exit 1; fi': {"A": ""},
    '[ -z "$A" ] && exit 0': {"A": ""},
    '[ -z "$A" ] && echo "no A"': {"A": ""},
    'if [ "$A" = "on" ]; then : ${B:?}; else : ${C:?}; fi': {
        "A": "",
        "B": '! empty, or not set when A is "on"',
        "C": '! empty, or not set when A is not "on"',
    },
    'if [ -n "$A" ] && [ "$B" != "x" ]; then : ${C?}; fi': {
        "A": "",
        "B": "",
        "C": '! not set when A is set and not empty and B is not "x"',
    },
    'case "$RELEASE_COMMAND" in\n  start|daemon) : ${A:?} ;;\n  *) : ${B:?} ;;\nesac': {
        "A": '! empty, or not set when RELEASE_COMMAND is "start" or "daemon"',
        "B": '! empty, or not set when RELEASE_COMMAND is not "start" or "daemon"',
    },
    "case $RELEASE_COMMAND in\n  start*) : ${A:?} ;;\nesac": {
        "A": "! empty, or not set when RELEASE_COMMAND matches start*"
    },
    "set -u\nexport B=$A": {"A": "! not set"},
    "A=1\n: ${A:?}": {},
    "export A=1\n[ -z $A ] && exit 1": {},
    "B=$(: ${A:?})": {"A": ""},
    "( exit 1 )\n: ${A:?}": {"A": "! empty, or not set"},
    "( set -u )\nexport B=$A": {"A": ""},
    "( A=1 )\n: ${A:?}": {"A": "! empty, or not set"},
    "B=$(A=1; echo $A)\n: ${A:?}": {"A": "! empty, or not set"},
    "exit 1\n: ${A:?}": {},
    "f() { : ${A:?}; }": {},
    "echo $1 $@ $? $#": {},
    "export RELEASE_COOKIE=${RELEASE_COOKIE:?give one}": {"RELEASE_COOKIE": "! empty, or not set: give one"},
    "export RELEASE_NODE=<%= @release.name %>@${POD_IP:?}\n<% if true do %>": {"POD_IP": "! empty, or not set"},
    "# ${A:?}": {},
    "cat <<END\n$A\nEND": {"A": ""},
    "for x in $A; do : ${B:?}; done": {"A": "", "B": "! empty, or not set when for x in $A; do : ${B:?}; done"},
}


@pytest.mark.parametrize("script", SHAPES)
def test_a_shape(script: str, told: Callable[..., dict[str, str]]) -> None:
    assert told(rel__env_sh_eex=f"#!/bin/sh\n{script}\n") == SHAPES[script]


def test_what_it_exports_the_configuration_has(told: Callable[..., dict[str, str]]) -> None:
    runtime = "".join(f'System.fetch_env!("{name}")\n' for name in "ABCD")
    script = 'export A="${A:-1}"\nB=1\nif [ -n "$X" ]; then export C=1; fi\n'
    assert told(runtime, rel__env_sh_eex=script) == {
        "A": "= '1'",
        "B": "! not set",
        "C": "! not set when nothing at boot sets C before",
        "D": "! not set",
        "X": "",
    }


def test_it_stands_where_the_release_has_its_templates(told: Callable[..., dict[str, str]]) -> None:
    release = 'rel_templates_path: "ops/rel"'
    assert told(release=release, rel__env_sh_eex=": ${A:?}\n", ops__rel__env_sh_eex=": ${B:?}\n") == {
        "B": "! empty, or not set"
    }


def test_its_places(contract: Callable[..., Contract]) -> None:
    found = contract(rel__env_sh_eex="# é\n<%# one\ntwo %>\nX=é; : ${A:?}\n")
    assert [(each.at, each.requirements[0].at) for each in found.variables] == [
        (Mark("rel/env.sh.eex", 4, 10), Mark("rel/env.sh.eex", 4, 10))
    ]


def test_another_file_may_set_anything(contract: Callable[..., Contract]) -> None:
    found = contract('System.fetch_env!("A")\n', rel__env_sh_eex=". /etc/shop.env\n")
    assert [(each.what, each.at.line) for each in found.unknown] == [("`. /etc/shop.env`", 1)]
    assert [(each.name, each.kind) for each in found.variables] == [("A", "conditional")]


def test_what_is_no_shell_is_said(contract: Callable[..., Contract]) -> None:
    found = contract(rel__env_sh_eex="if then ${A:?} fi (\n")
    assert (found.variables, [each.what for each in found.unknown]) == ((), ["rel/env.sh.eex"])
