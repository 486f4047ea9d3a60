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
        "A": '! empty, or not set when RELEASE_COMMAND is "start" or "start_iex"'
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
    "f() { : ${A:?}; }": {"A": "! empty, or not set when f is called"},
    "echo $1 $@ $? $#": {},
    "export RELEASE_COOKIE=${RELEASE_COOKIE:?give one}": {"RELEASE_COOKIE": "! empty, or not set: give one"},
    "export RELEASE_NODE=<%= @release.name %>@${POD_IP:?}\n<% if true do %>": {"POD_IP": "! empty, or not set"},
    "case $A in [xy]) : ${B:?} ;; *) exit 1 ;; esac": {
        "A": "",
        "B": "! empty, or not set when A matches [xy]",
    },
    'if [[ "$A" == "x" || -n "$B" ]]; then : ${C:?}; fi': {
        "A": "",
        "B": "",
        "C": '! empty, or not set when A is "x" or B is set and not empty',
    },
    "# ${A:?}": {},
    "cat <<END\n$A\nEND": {"A": ""},
    "for x in $A; do : ${B:?}; done": {"A": "", "B": "! empty, or not set when for x in $A; do : ${B:?}; done"},
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
        "A": f"! empty, or not set when {STARTS}: {INCOMPLETE}",
        "B": f"! empty, or not set when {STARTS}: {INCOMPLETE}",
    },
    "ip=${NODE_IP:-$POD_IP}\nexport RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$ip": {
        "NODE_IP": f"= ($POD_IP); ! empty, or not set when {STARTS} and POD_IP is empty, or not set: {INCOMPLETE}",
        "POD_IP": "",
    },
    'if [ -z "$A" ]; then\n  export RELEASE_NODE="x@$(hostname -i)"\nelse\n  export RELEASE_NODE="x@$A"\nfi': {"A": ""},
    'export RELEASE_NODE="${RELEASE_NODE:-shop@$A}" RELEASE_DISTRIBUTION=name': {
        "A": f"! empty, or not set when RELEASE_NODE is empty, or not set and {STARTS}: {INCOMPLETE}",
        "RELEASE_NODE": "= (shop@$A)",
    },
    "export RELEASE_DISTRIBUTION=none\nexport RELEASE_NODE=shop@$A": {"A": ""},
    "export RELEASE_DISTRIBUTION=sname RELEASE_NODE=shop@$A": {"A": ""},
    "export RELEASE_NODE=$A": {"A": ""},
    "export RELEASE_NODE=shop@${A:-127.0.0.1}": {"A": "= '127.0.0.1'"},
    "export RELEASE_NODE=shop@$A.$B.pod.local": {"A": "", "B": ""},
    "ip=$A\n[ -z $ip ] && ip=127.0.0.1\nexport RELEASE_NODE=shop@$ip": {"A": ""},
    'export ERL_AFLAGS="+Q $PORTS"': {"PORTS": "! empty, or not set: the VM doesn't start without the argument of +Q"},
    'export ELIXIR_ERL_OPTIONS="$MORE -proto_dist $DIST"': {
        "DIST": "! empty, or not set: the VM doesn't start without the argument of -proto_dist",
        "MORE": "",
    },
    'export ERL_FLAGS="$ERL_FLAGS -kernel inet_dist_listen_min $PORT -heart $MORE"': {
        "ERL_FLAGS": "",
        "MORE": "",
        "PORT": "",
    },
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


def test_what_is_no_shell_is_said(contract: Callable[..., Contract]) -> None:
    found = contract(rel__env_sh_eex="if then ${A:?} fi (\n")
    assert (found.variables, [each.what for each in found.possibly_more]) == ((), ["rel/env.sh.eex"])
