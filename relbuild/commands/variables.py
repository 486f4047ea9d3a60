"""The variables and the network that a container gets, and what it lacks of its image's environment contract."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from relbuild.errors import CommandFailed, Mark, Problem, UsageError
from relbuild.release import envfile
from relbuild.release.place import RunOptions

if TYPE_CHECKING:
    from relbuild.commands.release_image import ReleaseImage
    from relbuild.mix.environment import Lack

# In the docker client's own environment these would change which engine it uses, or which programs it finds.
DOCKER_VARIABLES = frozenset(
    {
        *("DOCKER_API_VERSION", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST", "DOCKER_TLS"),
        *("DOCKER_TLS_VERIFY", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "SSH_AUTH_SOCK"),
    }
)


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of a container with their values, and its network.

    ``inherited`` are the names of those that relbuild has in its own environment. ``checked`` is whether they are
    compared with the contract before a container starts.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    inherited: frozenset[str] = frozenset()
    network: str | None = None
    checked: bool = True

    def run_options(self, options: Iterable[str] = (), before: tuple[str, ...] = ()) -> RunOptions:
        """Return it as options of docker run: variables by their name alone, so that no value is in an argv.

        The exceptions are those that the docker client itself reads, which hold no secret. ``before`` are variables
        that these override.
        """
        words = (
            f"{name}={value}" if name in DOCKER_VARIABLES and name not in self.inherited else name
            for name, value in self.variables.items()
        )
        return RunOptions((*before, *words), self.network, tuple(options))

    @property
    def values(self) -> dict[str, str]:
        """The variables that go to docker through its environment."""
        return {
            name: value
            for name, value in self.variables.items()
            if name not in self.inherited and name not in DOCKER_VARIABLES
        }


def given_environment(
    env: Iterable[str] = (), env_files: Iterable[str] = (), network: str | None = None, checked: bool = True
) -> Environment:
    """Return the environment of the options: env files in their order, then ``NAME=VALUE``, or ``NAME`` for our own.

    Raises UsageError for a variable that isn't set here, and for an env file that doesn't exist or is faulty.
    """
    variables: dict[str, str] = {}
    inherited: set[str] = set()
    entries = [(entry.name, entry.value) for file in env_files for entry in read_env_file(file, "--env-file")]
    for name, value in (*entries, *_from_options(env)):
        own = os.environ.get(name)
        if value is None and own is None:
            continue
        variables[name] = value if value is not None else str(own)
        (inherited.add if value is None else inherited.discard)(name)
    return Environment(variables, frozenset(inherited), network, checked)


def read_env_file(file: str, option: str) -> tuple[envfile.Entry, ...]:
    """Return an env file's variables; raise UsageError where it doesn't exist, can't be read or is faulty."""
    if not file:
        raise UsageError.empty(option)
    try:
        content = Path(file).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"the env file {file}: there is no such file") from error
    except OSError as error:
        raise UsageError(f"the env file {file}: {(error.strerror or str(error)).lower()}") from error
    return envfile.parse(file, content)


def _from_options(env: Iterable[str]) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for option in env:
        name, equals, value = option.partition("=")
        if not name:
            raise UsageError(f"--env {option}: it has no name", hint="write --env NAME=VALUE")
        if not equals and name not in os.environ:
            raise UsageError(f"--env {name}: it isn't set here", hint=f"write --env {name}=VALUE, or export {name}")
        found.append((name, value if equals else None))
    return found


def require_variables(image: ReleaseImage, environment: Environment, command: str, options: Iterable[str] = ()) -> None:
    """Raise CommandFailed with every variable that a command of the release surely lacks in a container of the image.

    Nothing is raised for an image without a contract, and after ``--no-env-check``. ``options`` are docker's own; with
    an env file among them, which docker reads, it isn't known what the container gets.
    """
    from relbuild.mix.environment import COMMAND, from_label, lacks

    contract = from_label(image.environment) if image.environment is not None else None
    added = _from_docker_options(options)
    if contract is None or added is None or not environment.checked:
        return
    before = dict(each.partition("=")[::2] for each in image.env)
    given = {**image.facts.env, **before, **environment.variables, **added, COMMAND: command}
    found = lacks(contract, given)
    if found:
        *rest, last = [problem_of(each) for each in found]
        hints = (last.hint, "give it by --env or --env-file; --no-env-check starts without it")
        raise CommandFailed.of((*rest, replace(last, hint="\n".join(hint for hint in hints if hint))))


def problem_of(lack: Lack, hint: str | None = None, at: Mark | None = None) -> Problem:
    """Return a lack as a problem: where the project reads the variable, and its author's message."""
    where = lack.requirement.at
    return Problem(f"{lack.text} ({where.brief})", at, lack.requirement.message or hint)


def _from_docker_options(options: Iterable[str]) -> dict[str, str] | None:
    """Return the variables among docker's own options; None when there is an env file among them."""
    found: dict[str, str] = {}
    words = iter(options)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--env-file":
            return None
        if name in ("--env", "-e"):
            given = value if equals else next(words, "")
        elif word.startswith("-e") and not word.startswith("--"):
            given = word[2:]
        else:
            continue
        variable, equals, value = given.partition("=")
        if equals or variable in os.environ:
            found[variable] = value if equals else os.environ[variable]
    return found
