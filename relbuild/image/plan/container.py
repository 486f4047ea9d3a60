"""What the container of a release must have: programs, environment variables, and places that can be written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relbuild.config import Config
from relbuild.errors import Mark, Problem
from relbuild.facts import Tree
from relbuild.image.plan.packages import Need, available_packages, package_problems
from relbuild.image.plan.serving import ImageVariable, find_serving
from relbuild.mix import own_writes, programs
from relbuild.mix.elixir_files import Code
from relbuild.mix.environment import Contract
from relbuild.mix.lock import Resolved
from relbuild.mix.programs import Program
from relbuild.mix.project import Project, Release

# What a release has of ERTS, whose directory erlexec puts into PATH.
ERTS = frozenset(
    ("beam.smp", "dialyzer", "epmd", "erl", "erl_call", "erlc", "erlexec", "escript", "heart", "run_erl", "to_erl")
)


@dataclass(frozen=True, slots=True)
class InstalledProgram:
    """A program that the release runs, where, and the Debian package that the runner gets for it."""

    name: str
    package: str
    at: Mark


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """The programs and variables that the image has for the release, and what keeps the release from working in it."""

    programs: tuple[InstalledProgram, ...] = ()
    variables: tuple[ImageVariable, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


def find_container(
    tree: Tree,
    parts: tuple[Project, ...],
    release: Release,
    config: Config,
    debian: str,
    dependencies: tuple[Resolved, ...],
    needs: tuple[Need, ...],
    at_build: Contract,
    at_boot: Contract,
    code: Code,
) -> ContainerPlan:
    """Return what the container of a release made of these parts of the project must have."""
    served = find_serving(tree, parts, release, config, at_build, at_boot)
    installed: list[InstalledProgram] = []
    problems, notes = list(served.problems), list(served.notes)
    for found in _programs(programs.find_programs(tree, parts, release), config, debian):
        if isinstance(found, InstalledProgram):
            installed.append(found)
        elif isinstance(found, Problem):
            problems.append(found)
        else:
            notes.append(found.problem)
    config_calls = (*at_build.config_calls, *at_boot.config_calls)
    problems += package_problems(dependencies, config_calls, code)
    problems += own_writes.find_writes(tree, parts)
    variables = {each.name: each for each in (*served.variables, *_of_needs(needs, config, at_boot))}
    return ContainerPlan(tuple(installed), tuple(variables.values()), tuple(problems), tuple(notes))


def _of_needs(needs: Iterable[Need], config: Config, at_boot: Contract) -> Iterator[ImageVariable]:
    for need in needs:
        for name, value in need.env.items():
            if name not in config.runner.env and name not in at_boot.exported:
                yield ImageVariable(name, value, f"{need.app} needs it", need.at)


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """A program that the code does without where it isn't there, and that takes much room."""

    problem: Problem


def _programs(found: Iterable[Program], config: Config, debian: str) -> Iterator[InstalledProgram | Problem | _LeftOut]:
    """Yield the programs that the runner's image lacks, with their packages where those are known.

    What an image of the user's own has isn't known, and neither is which programs are in the packages that relbuild.yml
    names.
    """
    from relbuild.image.plan.packages import package_table

    if config.runner.base not in ("slim", "minimal"):
        return
    known = package_table()
    there = known.minimal if config.runner.base == "minimal" else known.present.keys()
    for program in found:
        if program.name in there or program.name in known.elsewhere or program.name in ERTS:
            continue
        package = known.programs.get(program.name) or known.present.get(program.name)
        if package is None:
            if not program.optional and not config.runner.packages:
                yield _unknown_program(program)
            continue
        if package in config.runner.without or package in config.runner.packages:
            continue
        if program.optional and package in known.large:
            message = f"{program.name} is called where it is there, and isn't installed"
            yield _LeftOut(Problem(message, program.at, f"runner: {{packages: [{package}]}} in relbuild.yml"))
            continue
        names, absent = available_packages((package,), debian)
        for name in names:
            yield InstalledProgram(program.name, name, program.at)
        for name in absent if not program.optional else ():
            has = ", ".join(known.only_in[name])
            yield Problem(
                f"{program.name} is called, and Debian {debian} has no package {name}",
                program.at,
                f"debian: {known.only_in[name][-1]} in relbuild.yml ({has} have it), or another program",
            )


def _unknown_program(program: Program) -> Problem:
    return Problem(
        f"{program.name} is called, and neither the image nor a package that relbuild knows has it",
        program.at,
        f"runner: {{packages: [{program.name}]}} in relbuild.yml, or whichever Debian package has bin/{program.name}",
    )
