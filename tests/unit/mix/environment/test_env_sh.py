"""What a rel/env.sh.eex requires, as the sh that sources it would find it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.errors import Mark
from relbuild.mix.environment import Contract, lacks

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
    "export B=${A:-${C:-x}}": {"A": "= (${C:-x})", "C": "= 'x'"},
    ": ${A:=x}\nexport A\n: ${A:?}": {"A": "= 'x'"},
    '[ -z "$A" ] && echo "no A"': {"A": ""},
    'if [ "$A" = "on" ]; then\n  : ${B:?}\nelse\n  : ${C:?}\nfi': {
        "A": "",
        "B": "! empty, or not set when the branch at rel/env.sh.eex:2 runs",
        "C": "! empty, or not set when the branch at rel/env.sh.eex:2 runs",
    },
    "case $RELEASE_COMMAND in\n  start*) : ${A:?} ;;\nesac": {
        "A": "! empty, or not set when the branch at rel/env.sh.eex:2 runs"
    },
    "[ -n $B ] && : ${A:?}": {"A": "! empty, or not set when the branch at rel/env.sh.eex:2 runs", "B": ""},
    ": ${A:?} && echo": {"A": "! empty, or not set"},
    "A=1\n: ${A:?}": {},
    "B=$(: ${A:?})": {"A": ""},
    "( A=1 )\n: ${A:?}": {"A": "! empty, or not set"},
    "B=$(A=1; echo $A)\n: ${A:?}": {"A": "! empty, or not set"},
    "f() { : ${A:?}; }": {"A": "! empty, or not set when the branch at rel/env.sh.eex:2 runs"},
    "echo $1 $@ $? $# \\$A '$A'": {},
    "export RELEASE_COOKIE=${RELEASE_COOKIE:?give one}": {"RELEASE_COOKIE": "! empty, or not set: give one"},
    "export RELEASE_NODE=<%= @release.name %>@${POD_IP:?}\n<% if true do %>": {"POD_IP": "! empty, or not set"},
    "# ${A:?}": {},
    "cat <<END\n$A\nEND": {"A": ""},
    "for x in $A; do : ${B:?}; done": {"A": "", "B": "! empty, or not set when the branch at rel/env.sh.eex:2 runs"},
}


# What of a node's name has to be there, where bin/NAME gives the VM a long one.
NAMED = 'RELEASE_DISTRIBUTION is not "none" or "sname" and RELEASE_COMMAND is not "eval" or "install" or "version"'
STARTS = 'RELEASE_COMMAND is not "eval" or "install" or "version"'
INCOMPLETE = "RELEASE_NODE is incomplete without it, and the VM doesn't start"
NODES = {
    "export RELEASE_NODE=<%= @release.name %>@${POD_IP}": {"POD_IP": f"! empty, or not set when {NAMED}: {INCOMPLETE}"},
    "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$POD_IP": {
        "POD_IP": f"! empty, or not set when {STARTS}: {INCOMPLETE}"
    },
    "RELEASE_NODE=$A@$B\nexport RELEASE_NODE RELEASE_DISTRIBUTION=name": {
        "A": "",
        "B": f"! empty, or not set when {STARTS}: {INCOMPLETE}",
    },
    'if [ -z "$A" ]; then\n  export RELEASE_NODE="x@$(hostname -i)"\nelse\n  export RELEASE_NODE="x@$A"\nfi': {"A": ""},
    'export RELEASE_NODE="${RELEASE_NODE:-shop@$A}" RELEASE_DISTRIBUTION=name': {
        "A": "",
        "RELEASE_NODE": "= (shop@$A)",
    },
    'export RELEASE_DISTRIBUTION=name RELEASE_NODE="${APP}-${REF##*-}@${A}"': {
        "A": f"! empty, or not set when {STARTS}: {INCOMPLETE}",
        "APP": "",
        "REF": "",
    },
    "export RELEASE_DISTRIBUTION=none\nexport RELEASE_NODE=shop@$A": {"A": ""},
    "export RELEASE_DISTRIBUTION=sname RELEASE_NODE=shop@$A": {"A": ""},
    "export RELEASE_NODE=$A": {"A": ""},
    "export RELEASE_NODE=shop@${A:-127.0.0.1}": {"A": "= '127.0.0.1'"},
    "export RELEASE_NODE=shop@$A.$B.pod.local": {"A": "", "B": ""},
    "ip=$A\n[ -z $ip ] && ip=127.0.0.1\nexport RELEASE_NODE=shop@$ip": {"A": ""},
}


@pytest.mark.parametrize("script", NODES)
def test_what_the_vm_needs(script: str, told: Callable[..., dict[str, str]]) -> None:
    assert told(rel__env_sh_eex=f"{script}\n") == NODES[script]


@pytest.mark.parametrize(
    ("distribution", "kind"),
    [("", "required"), ("name", "required"), ("${RELEASE_DISTRIBUTION:-none}", "conditional"), ("none", "optional")],
)
def test_an_ordinary_start_needs_the_whole_name(
    contract: Callable[..., Contract], distribution: str, kind: str
) -> None:
    script = f'export RELEASE_DISTRIBUTION="{distribution}"\n' if distribution else ""
    found = contract(rel__env_sh_eex=f"{script}export RELEASE_NODE=shop@${{POD_IP}}\n")
    assert {each.name: each.kind for each in found.variables}["POD_IP"] == kind


@pytest.mark.parametrize(
    ("environment", "lacking"),
    [
        ({"RELEASE_COMMAND": "start"}, ["POD_IP"]),
        ({"RELEASE_COMMAND": "start", "POD_IP": "10.0.0.7"}, []),
        ({"RELEASE_COMMAND": "start", "RELEASE_DISTRIBUTION": "none"}, []),
        ({"RELEASE_COMMAND": "eval"}, []),
    ],
)
def test_what_a_command_lacks(
    contract: Callable[..., Contract], environment: dict[str, str], lacking: list[str]
) -> None:
    found = contract(rel__env_sh_eex="export RELEASE_NODE=shop@${POD_IP}\n")
    assert [each.variable.name for each in lacks(found, environment)] == lacking


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
    assert [(each.what, each.at.line) for each in found.possibly_more] == [("`. /etc/shop.env`", 1)]
    assert [(each.name, each.kind) for each in found.variables] == [("A", "conditional")]


@pytest.mark.parametrize(
    "line", ['[ -z "$A" ] && exit 1', "if test -z $A; then\n  return 1\nfi", "set -eu", "set -o nounset"]
)
def test_what_may_require_more_is_reported(contract: Callable[..., Contract], line: str) -> None:
    found = contract(rel__env_sh_eex=f"{line}\nexport B=$A\n")
    assert [each.at.file for each in found.possibly_more] == ["rel/env.sh.eex"]
    assert found.of("required") == ()


def test_a_script_that_ends_well_requires_nothing(told: Callable[..., dict[str, str]]) -> None:
    assert told(rel__env_sh_eex='[ -z "$A" ] && exit 0\n( exit 1 )\n') == {"A": ""}


def test_what_is_no_shell_is_said(contract: Callable[..., Contract]) -> None:
    found = contract(rel__env_sh_eex="if then ${A:?} fi (\n")
    assert (found.variables, [each.what for each in found.possibly_more]) == ((), ["rel/env.sh.eex"])
