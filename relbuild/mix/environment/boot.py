"""Reads the files that a release evaluates at boot: runtime.exs or releases.exs, and env.sh.eex before it."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from tree_sitter import Node

from relbuild.errors import ProjectError
from relbuild.mix import elixir_files, utf8
from relbuild.mix.environment import conditions, env_sh
from relbuild.mix.environment.conditions import Among, Condition, Every, Opaque
from relbuild.mix.environment.contract import COMMAND, Contract, Requirement, Use, Variable, joined, ordered
from relbuild.mix.environment.files import Files, Locate
from relbuild.mix.environment.frame import Frame
from relbuild.mix.environment.patterns import unknown as unknown_variables
from relbuild.mix.environment.reading import Reading
from relbuild.mix.environment.requirements import together
from relbuild.mix.facts import Tree, Unknown
from relbuild.mix.project import Project, Release
from relbuild.mix.source import operand, parts

# What a container always has, and what bin/NAME sets itself before it sources env.sh, and before it starts the system
# (Mix.Tasks.Release, "Environment variables"). The release's command is known when there is one.
PROVIDED_EARLY = frozenset(
    {
        *("HOME", "HOSTNAME", "PATH", "PWD", "SHLVL", "IFS", "PPID", "OLDPWD"),
        *(COMMAND, "RELEASE_NAME", "RELEASE_PROG", "RELEASE_ROOT", "RELEASE_VSN"),
    }
)
PROVIDED = PROVIDED_EARLY | {
    *("RELEASE_BOOT_SCRIPT", "RELEASE_BOOT_SCRIPT_CLEAN", "RELEASE_COOKIE", "RELEASE_DISTRIBUTION", "RELEASE_MODE"),
    *("RELEASE_NODE", "RELEASE_REMOTE_VM_ARGS", "RELEASE_SYS_CONFIG", "RELEASE_TMP", "RELEASE_VM_ARGS"),
    *("BINDIR", "EMU", "PROGNAME", "ROOTDIR"),
}
# What can't be told and takes more characters than this to say, as a whole or one part of it, tells nobody anything.
_LONGEST_CONDITION = 160
_LONGEST_PART = 80


def read(tree: Tree, project: Project, release: Release) -> Contract:
    """Return which variables the release needs, as far as its files tell.

    Raises ProjectError where one of them isn't Elixir or can't be read.
    """
    locate = locator(tree, project)
    script, exports = _script(tree, release, locate)
    configuration = Reading(Files(tree, locate), assigned=set(exports.perhaps), elsewhere=script.elsewhere)
    path = find_runtime_config(tree, project, release)
    if isinstance(path, Unknown):
        configuration.note(path)
    elif path is not None:
        configuration.file(path)
        _follow_unused(configuration)
    early = replace(found(script, PROVIDED_EARLY), exported=exports.always | exports.perhaps)
    return settled(joined(early, found(configuration, PROVIDED | exports.always)))


def _script(tree: Tree, release: Release, locate: Locate) -> tuple[Reading, env_sh.Exports]:
    """Follow env.sh.eex; return what it reads, and what it exports."""
    reading = Reading(Files(tree, locate))
    directory = release.rel_templates_path
    if isinstance(directory, Unknown):
        reading.note(directory)
        return reading, env_sh.Exports()
    path = f"{directory.value if directory is not None else 'rel'}/env.sh.eex"
    content = tree.read(path)
    if content is None:
        return reading, env_sh.Exports()
    utf8.decode(path, content)
    return reading, env_sh.scan(reading, path, content)


def find_runtime_config(tree: Tree, project: Project, release: Release) -> str | Unknown | None:
    """Return the file that configures at boot, as Mix.Tasks.Release looks for it; None when there is none."""
    given = release.runtime_config_path
    if isinstance(given, Unknown):
        return given
    if given is not None and given.value is not True:
        return given.value if isinstance(given.value, str) and tree.read(given.value) is not None else None
    if isinstance(project.config_path, Unknown):
        return project.config_path
    directory = posixpath.dirname(project.config_path.value)
    for name in ("runtime.exs", "releases.exs"):
        path = posixpath.join(directory, name)
        if tree.read(path) is not None:
            return path
    return None


def _follow_unused(reading: Reading) -> None:
    """Follow functions that are handed to someone else: whether they are called at boot isn't known."""
    for _ in range(20):
        found = reading.unused()
        if not found:
            return
        for frame, node in found:
            _follow_function(reading, frame, node)


def _follow_function(reading: Reading, frame: Frame, node: Node) -> None:
    reading.used(reading.closure(frame, node))
    at = frame.at(node)
    what = f"`{frame.text(node)}`"
    with reading.guard(what, at), reading.under(Opaque(f"the function at {at.brief} is called")):
        if node.type != "anonymous_function":
            body = operand(node)
            if body is not None and body.type != "binary_operator":
                frame.inner().walk(body)
            return
        for clause in parts(node):
            inner = frame.inner(unknown_variables(frame, clause.child_by_field_name("left")))
            inner.statements_of(clause.child_by_field_name("right"))


def locator(tree: Tree, project: Project) -> Locate:
    """Return what finds the file of a module of the project: where it is by convention, else by its content."""
    located: dict[str, str | None] = {}
    files: list[str] = []

    def locate(name: str) -> str | None:
        if name not in located:
            if not files:
                for directory in elixir_files.directories(project, *project.apps):
                    files.extend(elixir_files.files(tree, directory))
            located[name] = _file_of(tree, files, name)
        return located[name]

    return locate


def _file_of(tree: Tree, files: list[str], name: str) -> str | None:
    ending = "/" + "/".join(_underscored(part) for part in name.split(".")) + ".ex"
    first = [path for path in files if path.endswith(ending)]
    wanted = f"defmodule {name} ".encode()
    for path in (*first, *(path for path in files if path not in first)):
        try:
            if wanted in (tree.read(path) or b""):
                return path
        except ProjectError:
            continue
    return None


def _underscored(name: str) -> str:
    out = ""
    for i, character in enumerate(name):
        if character.isupper() and i and (not name[i - 1].isupper() or name[i + 1 : i + 2].islower()):
            out += "_"
        out += character.lower()
    return out


def found(reading: Reading, provided: frozenset[str]) -> Contract:
    """Return what one reading found, without the variables that are set by then."""
    needed: dict[str, dict[Condition, Requirement]] = {}
    for each in reading.requirements:
        known = _opened(each, reading, provided)
        if known.fails.variable in provided:
            continue
        same = needed.setdefault(known.fails.variable, {})
        same[known.when] = _merged(same.get(known.when), known)
    variables: dict[str, Variable] = {}
    for access in reading.accesses:
        if access.name in provided:
            continue
        variable = variables.setdefault(access.name, Variable(access.name, access.at, access.default))
        if variable.default is None and access.default is not None:
            variables[access.name] = replace(variable, default=access.default)
    for name, same in needed.items():
        variable = variables.setdefault(name, Variable(name, next(iter(same.values())).at))
        variables[name] = replace(variable, requirements=tuple(same.values()))
    used = (replace(variable, use=_use(reading, variable)) for variable in variables.values())
    return Contract(tuple(used), tuple(reading.unknown), tuple(reading.config_calls))


def _use(reading: Reading, variable: Variable) -> Use | None:
    return reading.uses.of(variable.name, variable.default.text if variable.default is not None else None)


def _merged(one: Requirement | None, other: Requirement) -> Requirement:
    """Return two requirements of one variable under one condition as one; the first place and message stay."""
    if one is None:
        return other
    fails = conditions.either((one.fails, other.fails))
    message = one.message or other.message
    return replace(one, fails=fails, message=message) if isinstance(fails, Among) else one


def settled(contract: Contract) -> Contract:
    """Return the contract with what the requirements of a variable say together, as far as it can be told in words."""
    variables = []
    for variable in contract.variables:
        found = (each for each in together(variable.requirements) if not (_guessed(each) and _too_long(each.when)))
        told = dict.fromkeys(replace(each, when=_in_short(each.when)) for each in found)
        variables.append(replace(variable, requirements=tuple(told)))
    return replace(contract, variables=ordered(variables))


def _guessed(requirement: Requirement) -> bool:
    """Say whether its variable only goes into what decides, which may be the other way round."""
    return requirement.fails.variable in conditions.seen(requirement.when)


def _too_long(when: Condition) -> bool:
    return conditions.unclear(when) and len(conditions.describe(when)) > _LONGEST_CONDITION


def _in_short(when: Condition) -> Condition:
    """Return the condition without those of its parts that take too many words to tell anybody anything."""
    if not _too_long(when):
        return when
    room, kept = _LONGEST_CONDITION, []
    for part in when.parts if isinstance(when, Every) else ():
        length = len(conditions.describe(part))
        if length <= _LONGEST_PART and length <= room:
            kept.append(part)
            room -= length
    return conditions.every((*kept, Opaque(conditions.TOO_MANY)))


def _opened(requirement: Requirement, reading: Reading, provided: frozenset[str]) -> Requirement:
    """Take what is provided for set, and leave open what something that was run may have set."""
    when = requirement.when
    for name in conditions.variables(when):
        if name in provided and name != COMMAND:
            when = conditions.given_set(when, name)
    if reading.elsewhere is not None:
        when = conditions.every((when, Opaque(f"`{reading.elsewhere}` doesn't set it")))
    return replace(requirement, when=when)
