"""What a container gets from outside: variables from --env and --env-file, a network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from relbuild.errors import UsageError
from relbuild.release import envfile
from relbuild.release.target import Surroundings

# In the docker client's own environment these would change which engine it asks, or which programs it finds.
CLIENTS_OWN = frozenset(
    {
        *("DOCKER_API_VERSION", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST", "DOCKER_TLS"),
        *("DOCKER_TLS_VERIFY", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "SSH_AUTH_SOCK"),
    }
)


@dataclass(frozen=True, slots=True)
class Around:
    """What a container is given: the variables with their values, and a network.

    ``inherited`` are the names of those that relbuild has in its own environment.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    inherited: frozenset[str] = frozenset()
    network: str | None = None
    # Whether what the release needs is looked at before it starts.
    checked: bool = True

    def surroundings(self, options: Iterable[str] = (), before: tuple[str, ...] = ()) -> Surroundings:
        """Return it as docker run takes it: variables by their name alone, so that no value stands in an argv.

        Those that the docker client itself heeds, which hold no secret, are the exception. ``before`` are variables
        that these go over.
        """
        words = (
            f"{name}={value}" if name in CLIENTS_OWN and name not in self.inherited else name
            for name, value in self.variables.items()
        )
        return Surroundings((*before, *words), self.network, tuple(options))

    @property
    def values(self) -> dict[str, str]:
        """The variables that go to docker through its environment."""
        return {
            name: value
            for name, value in self.variables.items()
            if name not in self.inherited and name not in CLIENTS_OWN
        }


def around(
    env: Iterable[str] = (), env_files: Iterable[str] = (), network: str | None = None, checked: bool = True
) -> Around:
    """Return what the options say: env files in their order, then ``NAME=VALUE``, or ``NAME`` for relbuild's own.

    Raises UsageError for a variable that isn't set here, and for an env file that isn't there or is faulty.
    """
    variables: dict[str, str] = {}
    inherited: set[str] = set()
    for name, value in (*_from_files(env_files), *_from_options(env)):
        own = os.environ.get(name)
        if value is None and own is None:
            continue
        variables[name] = value if value is not None else str(own)
        (inherited.add if value is None else inherited.discard)(name)
    return Around(variables, frozenset(inherited), network, checked)


def _from_files(files: Iterable[str]) -> list[tuple[str, str | None]]:
    return [(entry.name, entry.value) for file in files for entry in read_env_file(file, "--env-file")]


def read_env_file(file: str, option: str) -> tuple[envfile.Entry, ...]:
    """Return an env file's variables; raise UsageError where it isn't there, can't be read or is faulty."""
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
