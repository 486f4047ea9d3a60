"""The command line as a whole."""

from __future__ import annotations

from importlib import import_module

import typer

from relbuild.cli.verb import VERBS

# Which module has a verb, in the order of the help. A call imports the one it needs: typer takes its time for each.
MODULES = {
    "init": "init",
    "convert": "convert",
    "plan": "build",
    "dockerfile": "build",
    "lock": "build",
    "image": "build",
    "verify": "release",
    "inspect": "inspect",
    "sbom": "inspect",
    "run": "release",
    "eval": "release",
    "rpc": "release",
    "remote": "release",
    "start-iex": "release",
    "pid": "release",
    "stop": "release",
    "restart": "release",
    "version": "release",
    "migrate": "migrate",
    "env": "environment",
    "logs": "release",
    "ps": "release",
    "schema": "build",
    "doctor": "doctor",
}


def command_line(word: str | None) -> typer.Typer:
    """Return the command line for a call whose first word is this: with that verb, or with all when it is none."""
    app = typer.Typer(
        name="relbuild",
        help="From a Mix project to a small, verified, reproducible Docker image, and on to running systems.",
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=word not in MODULES,
    )
    # With a callback typer keeps a lone verb a verb.
    app.callback()(lambda: None)
    for name in (word,) if word in MODULES else MODULES:
        import_module(f"relbuild.cli.{MODULES[name]}")
        app.command(name)(VERBS[name])
    return app
