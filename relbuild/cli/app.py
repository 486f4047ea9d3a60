"""The command line as a whole: which verbs there are, and what to answer to a verb that doesn't exist."""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated

import typer

from relbuild.cli import completion
from relbuild.cli.verb import VERBS
from relbuild.errors import UsageError

# The groups of the help, in its order. A group's verbs are in the module of the group's name; a call imports only the
# one it needs.
GROUPS = {
    "Build": ("image", "plan", "dockerfile", "lock", "verify", "inspect", "sbom"),
    "Run": ("run", "ps", "logs", "eval", "rpc", "remote", "start-iex", "pid", "stop", "restart", "version"),
    "Deploy": ("deploy", "rollback", "status", "history", "undeploy", "env", "migrate"),
    "Project": ("init", "convert", "doctor", "schema"),
}
GROUP_OF = {verb: group for group, verbs in GROUPS.items() for verb in verbs}
# The verbs that other tools have for what relbuild calls otherwise (docker, docker compose, kamal, mix, rails).
KNOWN_AS = {
    "attach": ("remote",),
    "bash": ("remote", "eval"),
    "build": ("image",),
    "check": ("verify", "doctor"),
    "compile": ("image",),
    "config": ("plan", "schema"),
    "console": ("remote", "start-iex"),
    "containers": ("ps",),
    "create": ("init",),
    "destroy": ("undeploy",),
    "details": ("ps", "inspect"),
    "diff": ("inspect",),
    "down": ("undeploy", "stop"),
    "environment": ("env",),
    "exec": ("rpc", "eval"),
    "generate": ("dockerfile", "init"),
    "iex": ("remote", "start-iex"),
    "info": ("plan", "inspect"),
    "kill": ("stop",),
    "list": ("ps",),
    "log": ("logs",),
    "ls": ("ps",),
    "new": ("init",),
    "pin": ("lock",),
    "publish": ("image",),
    "push": ("image",),
    "release": ("image",),
    "scan": ("verify", "sbom"),
    "setup": ("init",),
    "shell": ("remote", "start-iex"),
    "start": ("run",),
    "test": ("verify",),
    "up": ("deploy", "run"),
    "validate": ("doctor", "verify"),
}


def command_line(word: str | None) -> typer.Typer:
    """Return the command line for a call whose first word this is: with that verb alone, or with all for no word.

    Raises UsageError for a word that is no verb.
    """
    if word and word not in GROUP_OF:
        raise unknown(word)
    if completion.REQUEST in os.environ:
        completion.join_words(os.environ)
    app = typer.Typer(
        name="relbuild",
        help="Build small, verified Docker images of Elixir releases, and run the releases' commands.",
        epilog="relbuild COMMAND --help shows the options of a command, with examples.",
        rich_markup_mode="rich",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=not word,
    )
    # With a callback typer keeps a lone verb a verb.
    app.callback()(_top)
    for name in (word,) if word else GROUP_OF:
        group = GROUP_OF[name]
        import_module(f"relbuild.cli.{group.lower()}")
        verb = VERBS[name]
        app.command(name, epilog=verb.epilog, rich_help_panel=group)(verb.call)
    return app


def _top(
    # main() answers it before typer is imported: here it is only explained.
    version: Annotated[bool, typer.Option("--version", help="Print the version of relbuild and exit.")] = False,
) -> None:
    return


def unknown(word: str) -> UsageError:
    """Return the error for a command that doesn't exist, with those that are probably meant."""
    meant = KNOWN_AS.get(word.lower()) or _similar(word.lower())
    did_you_mean = f"did you mean {' or '.join(f'relbuild {each}' for each in meant)}? " if meant else ""
    return UsageError(f"there is no command {word}", hint=f"{did_you_mean}relbuild --help lists the commands")


def _similar(word: str) -> tuple[str, ...]:
    """Return the verbs of nearly the same spelling, also for a word that is nearly another tool's verb."""
    close = get_close_matches(word, [*GROUP_OF, *KNOWN_AS], 2, 0.7)
    verbs = [verb for name in close for verb in KNOWN_AS.get(name, (name,))]
    return tuple(dict.fromkeys(verbs))[:2]
