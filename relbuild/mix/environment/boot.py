"""Reads what a release evaluates: env.sh.eex, runtime.exs or releases.exs, config providers, and its code."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tree_sitter import Node

from relbuild import facts
from relbuild.elixir.syntax import operand, operands, operator, parts
from relbuild.elixir.values import Atom, Tuple
from relbuild.errors import Mark
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix import scripts, umbrella
from relbuild.mix.environment import code, conditions, env_sh, tables, variables
from relbuild.mix.environment.conditions import And, Condition, OneOf, Opaque, missing
from relbuild.mix.environment.contract import COMMAND, Contract, Requirement, Use, Variable, joined, ordered
from relbuild.mix.environment.files import Files
from relbuild.mix.environment.frame import Frame
from relbuild.mix.environment.patterns import unknown as unknown_variables
from relbuild.mix.environment.reading import Reading, together
from relbuild.mix.environment.values import Static, UnknownValue, Value
from relbuild.mix.project import Project, Release
from relbuild.mix.releases import ConfigProvider

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
# What a step of the build always has: a container's own, and what the toolchain stage sets.
PROVIDED_TO_BUILD = frozenset(
    {
        *("HOME", "HOSTNAME", "PATH", "PWD", "SHLVL", "OLDPWD", "LANG"),
        *("MIX_ENV", "MIX_TARGET", "MIX_BUILD_PATH", "ERL_COMPILER_OPTIONS", "ERL_AFLAGS"),
    }
)
# The env files that a release for production sources (hexdocs.pm/dotenvy).
_DOTENV_FILES = frozenset({".env", ".env.prod", ".prod.env", "prod.env"})
_DOTENV_NAME = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=")
# What can't be told and takes more characters than this to say, as a whole or one part of it, tells nobody anything.
_LONGEST_CONDITION = 160
_LONGEST_PART = 80


def read_contract(tree: Tree, project: Project, release: Release) -> Contract:
    """Return which variables the release needs, as far as its files tell.

    Raises ProjectError where one of them isn't Elixir or can't be read.
    """
    projects = parts_of(project, release)
    files = Files(tree, projects)
    script, (exported, may_export) = _scan_env_sh(tree, release, files)
    configuration = Reading(
        files,
        assigned=set(may_export),
        elsewhere=script.elsewhere,
        overlay_variables=frozenset(_overlay_variables(tree, release)),
    )
    path = find_runtime_config(tree, project, release)
    if isinstance(path, Unknown):
        configuration.note(path)
    elif path is not None:
        configuration.file(path)
    _follow_providers(configuration, release)
    _follow_unused(configuration)
    for file in files.configuration():
        for each in code.library_reads(file, but=frozenset({"Dotenvy"})):
            if isinstance(each, Unknown):
                configuration.note(each)
    start = Reading(files, assigned=configuration.assigned, elsewhere=configuration.elsewhere, quiet=True)
    _follow_start(start, projects)
    _note_tuples(configuration, project)
    followed = frozenset(configuration.followed | start.followed)
    provided = PROVIDED | exported
    early = replace(found(script, PROVIDED_EARLY), exported=may_export)
    at_boot = joined(early, found(configuration, provided), found(start, provided))
    later = joined(code.at_run_time(tree, files, followed), packages(project))
    return settled(joined(at_boot, beside(later, at_boot, provided)))


def read_by_build(tree: Tree, project: Project) -> Contract:
    """Return which variables the compile-time configuration and the bodies of modules read, as far as files tell.

    What they read is the environment of the build, and stays in the release (hexdocs.pm/mix, Mix.Tasks.Release,
    "Runtime configuration"). Raises ProjectError where one of them isn't Elixir or can't be read.
    """
    files = Files(tree, (project, *project.apps))
    reading = Reading(files)
    if isinstance(project.config_path, Known):
        reading.file(project.config_path.value)
    reading.tuples.clear()
    configuration = found(reading, PROVIDED_TO_BUILD)
    return settled(joined(configuration, beside(code.at_compile_time(files), configuration, PROVIDED_TO_BUILD)))


def parts_of(project: Project, release: Release) -> tuple[Project, ...]:
    """Return the projects whose code is in the release: its own applications and its path dependencies."""
    beside = (each.project for each in project.path_deps if each.project is not None)
    own = umbrella.released_apps(project, release) if project.umbrella else (project,)
    return (*own, *(part for each in beside for part in (each, *each.apps)))


def _follow_providers(reading: Reading, release: Release) -> None:
    """Follow the config providers of the release: those of the project by their code, Config.Reader by its file."""
    providers = release.config_providers
    if isinstance(providers, Unknown):
        reading.note(providers)
    for each in providers.value if isinstance(providers, Known) else ():
        own = reading.files.module(each.module)
        if each.module == "Config.Reader":
            _follow_reader(reading, each)
        elif own is None:
            what = f"config provider {each.module}"
            reading.note(Unknown(what, "it isn't a module of the project, and isn't followed", each.at))
        else:
            file, module = own
            reading.following.append(file.source.file)
            frame = Frame(reading, file, module)
            given = Static(lambda each=each: each.options, "the provider's options")  # type: ignore[misc]
            with reading.guard(f"config provider {each.module}", each.at):
                state = frame.function("init", [given], module.node)
                frame.function("load", [UnknownValue("the configuration", present=True), state], module.node)
            reading.following.pop()


def _follow_reader(reading: Reading, provider: ConfigProvider) -> None:
    """Follow the file of a Config.Reader, by its path or `{:system, "VARIABLE", "/path"}` (Config.Provider)."""
    options = provider.options.value if isinstance(provider.options, Known) else None
    items = options.items if isinstance(options, Tuple) else ()
    texts = [each.value if isinstance(each, Known) else None for each in items]
    if len(texts) == 3 and texts[0] == Atom("system") and isinstance(texts[1], str):
        reading.access(texts[1], provider.at, None)
        reading.fails(missing(texts[1]), provider.at)
        options = f"rel/overlays{texts[2]}" if texts[1] == "RELEASE_ROOT" else None
    if isinstance(options, str) and reading.files.open(posixpath.normpath(options)) is not None:
        reading.file(posixpath.normpath(options))
    else:
        reading.note(
            Unknown("config provider Config.Reader", "the file that it reads isn't in the project", provider.at)
        )


def _follow_start(reading: Reading, projects: Iterable[Project]) -> None:
    """Follow the start/2 of the applications' callback modules, which the boot calls."""
    for each in projects:
        own = reading.files.module(each.mod.value) if isinstance(each.mod, Known) else None
        if own is not None:
            file, module = own
            frame = Frame(reading, file, module)
            arguments: list[Value] = [UnknownValue(":normal", present=True), UnknownValue("the arguments")]
            with reading.guard(module.name, file.source.mark(module.node)):
                frame.function("start", arguments, module.node)
    # The scan of all code names what isn't followed.
    reading.unknown.clear()


def _note_tuples(reading: Reading, project: Project) -> None:
    """Note `{:system, "VARIABLE"}` of the compile-time configuration: libraries read it when the release runs."""
    path = project.config_path.value if isinstance(project.config_path, Known) else None
    directory = posixpath.dirname(path) if path is not None else ""
    tree = reading.files.tree
    names = [name for name in tree.list(directory) if name.endswith(".exs")] if path is not None else []
    if path is None or not any(b"{:system" in (tree.read(f"{directory}/{name}") or b"") for name in names):
        return
    building = Reading(reading.files, quiet=True)
    with building.guard(path, Mark(path, 1)):
        building.file(path)
    reading.tuples += building.tuples
    for each in building.unknown:
        if each.reason.startswith(variables.LIBRARY):
            reading.note(each)


def packages(project: Project) -> Contract:
    """Return the variables that dependencies of the project read by themselves, as far as the table has them."""
    depends = {dep.app: dep.at for part in project.parts for dep in part.deps if dep.in_release() is not False}
    found = (Variable(name, depends[app]) for app, names in tables.PACKAGES.items() if app in depends for name in names)
    return Contract(tuple(found))


def beside(later: Contract, at_boot: Contract, provided: frozenset[str]) -> Contract:
    """Return what code needs later, but for what is set by then and what the boot itself requires."""
    known = {each.name: each for each in at_boot.variables}
    new = (each for each in later.variables if each.name not in provided)
    found = (replace(each, default=None) if each.name in known else each for each in new)
    required = {each.name for each in at_boot.of("required")} | provided
    more = (each for each in later.possibly_more if each.what not in required)
    return Contract(tuple(each for each in found if each.name not in required), tuple(more))


def _scan_env_sh(tree: Tree, release: Release, files: Files) -> tuple[Reading, tuple[frozenset[str], frozenset[str]]]:
    """Return what env.sh.eex reads, and the variables that it always, and may, export."""
    reading = Reading(files)
    directory = release.rel_templates_path
    if isinstance(directory, Unknown):
        reading.note(directory)
        return reading, (frozenset(), frozenset())
    path = f"{directory.value if directory is not None else 'rel'}/env.sh.eex"
    content = tree.read(path)
    if content is None:
        return reading, (frozenset(), frozenset())
    facts.decode_text(path, content)
    return reading, env_sh.scan(reading, path, content)


def _overlay_variables(tree: Tree, release: Release) -> Iterator[str]:
    """Yield the variables that Dotenvy finds in the release: those of the env files in its overlays."""
    for installed, path in scripts.overlays(tree, release):
        if posixpath.basename(installed) in _DOTENV_FILES:
            content = (tree.read(path) or b"").decode("utf-8", "replace")
            yield from _DOTENV_NAME.findall(content)


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
            _follow_capture(frame, node)
            return
        for clause in parts(node):
            inner = frame.inner(unknown_variables(frame, clause.child_by_field_name("left")))
            inner.statements_of(clause.child_by_field_name("right"))


def _follow_capture(frame: Frame, node: Node) -> None:
    """Follow `&(…)` with arguments that aren't known, and `&System.get_env/1` as a call with them."""
    body = operand(node)
    if body is not None and body.type == "binary_operator" and operator(body) == "/":
        arity = frame.file.source.text(operands(body)[1])
        arguments = [UnknownValue(f"argument {i}") for i in range(1, int(arity) + 1 if arity.isdecimal() else 1)]
        frame.apply(frame.reading.closure(frame, node), list(arguments), node)
    elif body is not None:
        frame.inner().walk(body)


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
    for named in reading.tuples:
        if named.name not in provided:
            variables.setdefault(named.name, named)
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
    return replace(one, fails=fails, message=message) if isinstance(fails, OneOf) else one


def settled(contract: Contract) -> Contract:
    """Return the contract with what the requirements of a variable say together, as far as it can be told in words."""
    variables = []
    for variable in contract.variables:
        found = (each for each in together(variable.requirements) if not (_guessed(each) and _too_long(each.when)))
        told = dict.fromkeys(replace(each, when=_in_short(each.when)) for each in found)
        variables.append(replace(variable, requirements=tuple(told)))
    return replace(contract, variables=ordered(variables))


def _guessed(requirement: Requirement) -> bool:
    """Return whether its variable only goes into what decides, which may be the other way round."""
    return requirement.fails.variable in conditions.seen(requirement.when)


def _too_long(when: Condition) -> bool:
    return conditions.unclear(when) and len(conditions.describe(when)) > _LONGEST_CONDITION


def _in_short(when: Condition) -> Condition:
    """Return the condition without those of its parts that take too many words to tell anybody anything."""
    if not _too_long(when):
        return when
    room, kept = _LONGEST_CONDITION, []
    for part in when.parts if isinstance(when, And) else ():
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
