"""How a function becomes a verb: the options that every verb has are added to its own, and made into a Session."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session
    from relbuild.endpoint import Endpoint
    from relbuild.engine.docker import Engine

P = ParamSpec("P")

# Where the pages of docs/ are read; project.urls of pyproject.toml has the same.
DOCUMENTATION = "https://github.com/relbuild/relbuild/blob/main/docs"
COMMON = "Common options"


@dataclass(frozen=True, slots=True)
class CliVerb:
    """What typer needs of a verb: the function it calls, and what its help ends with."""

    call: Callable[..., Result]
    epilog: str


# Every verb that has been imported, by its name.
VERBS: dict[str, CliVerb] = {}


def make_session(
    directory: Annotated[
        Path, typer.Option("-C", metavar="DIR", help="The project's directory.", rich_help_panel=COMMON)
    ] = Path(),
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Read FILE instead of the project's relbuild.yml.", rich_help_panel=COMMON
        ),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option("--context", metavar="NAME", help="Use this Docker context.", rich_help_panel=COMMON),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="URL",
            help="Use the Docker Engine at this address: unix://, tcp:// or ssh://.",
            rich_help_panel=COMMON,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the commands instead of running them.", rich_help_panel=COMMON),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "-v", "--verbose", help="Print each command before it runs, and a build's output.", rich_help_panel=COMMON
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON object.", rich_help_panel=COMMON)
    ] = False,
) -> tuple[Session, Callable[[Result], Result]]:
    """Return the session, and what turns a verb's result into what is shown."""
    from relbuild import output
    from relbuild.commands.session import Session
    from relbuild.endpoint import Endpoint
    from relbuild.engine.runner import DryRunner, Subprocesses
    from relbuild.errors import UsageError
    from relbuild.result import DryRun

    if context is not None and host is not None:
        raise UsageError("--context and --host exclude each other: both name an engine", hint="give one of them")
    for option, given in (("--context", context), ("--host", host)):
        if given == "":  # as of a variable that isn't set; docker would use its default engine
            raise UsageError.empty(option, "an engine")
    endpoint = Endpoint(context, host)
    progress = partial(output.progress, verbose=verbose)
    if dry_run:
        dry = DryRunner()
        session = Session(
            directory, config, endpoint, dry, _dry_engine, output.warn, output.note, progress, as_json, dry_run
        )
        return session, lambda result: DryRun(tuple(dry.commands)) if dry.commands else result
    runner = Subprocesses(output.note_command if verbose else None)
    session = Session(directory, config, endpoint, runner, _engine, output.warn, output.note, progress, as_json)
    return session, lambda result: result


@cache
def _engine(endpoint: Endpoint) -> Engine:
    from relbuild.engine.docker import Engine

    return Engine(endpoint)


@cache
def _dry_engine(endpoint: Endpoint) -> Engine:
    from relbuild.engine.docker import DryEngine

    return DryEngine(endpoint)


def verb(
    name: str, *examples: str, docs: str
) -> Callable[[Callable[Concatenate[Session, P], Result]], Callable[Concatenate[Session, P], Result]]:
    """Make a function the verb of this name.

    Its first parameter is the session, the others are the verb's own options. The help ends with the ``examples``, each
    an argument list for relbuild, and the address of the page ``docs``.
    """

    def register(function: Callable[Concatenate[Session, P], Result]) -> Callable[Concatenate[Session, P], Result]:
        def call(**options: Any) -> Result:
            session, shown = make_session(**{each.name: options.pop(each.name) for each in _COMMON})
            session = session.of(options.get("release"))
            return shown(function(session, **options))  # type: ignore[call-arg]  # typer checked them

        parameters = (*_parameters(function)[1:], *_COMMON)
        call.__name__ = function.__name__
        call.__doc__ = function.__doc__
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        lines = ("[bold]Examples[/bold]", *(f"  relbuild {example}".replace("[", r"\[") for example in examples))
        VERBS[name] = CliVerb(call, "\n".join((*lines, "", f"[bold]Documentation[/bold]\n  {DOCUMENTATION}/{docs}")))
        return function

    return register


def _parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """Return a function's parameters as keywords, their annotations evaluated where they were written."""
    return tuple(
        each.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            annotation=each.annotation if each.name == "session" else eval(each.annotation, function.__globals__),
        )
        for each in inspect.signature(function).parameters.values()
    )


_COMMON = _parameters(make_session)
