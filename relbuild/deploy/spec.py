"""A deployment as a value: which image should run at a target, as which services, with which environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from relbuild.config import Config, Target
from relbuild.config.target import Role
from relbuild.errors import Mark, Problem, UsageError

# The role of a target that defines none: the one that serves, and gets what the target publishes.
WEB = "web"
# Where the release finds its secrets as files; env.sh reads NAME_FILE into NAME.
SECRETS_DIRECTORY = "/run/secrets"


@dataclass(frozen=True, slots=True)
class Probe:
    """How the engine checks whether a copy is healthy: an HTTP GET, a TCP connect, or a command's exit code."""

    kind: Literal["http", "tcp", "command"]
    port: int = 0
    path: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: ``outside`` is the engine's, ``inside`` the container's, ``address`` the one it binds."""

    outside: int
    inside: int
    protocol: str = "tcp"
    address: str = ""

    @classmethod
    def parse(cls, text: str) -> Port:
        """Return ``[ADDRESS:]OUTSIDE:INSIDE[/PROTOCOL]`` as relbuild.yml has it."""
        ports, _, protocol = text.partition("/")
        address, outside, inside = ("", *ports.rsplit(":", 2))[-3:]
        return cls(int(outside), int(inside), protocol or "tcp", address)


@dataclass(frozen=True, slots=True)
class Service:
    """The copies of one role; ``replicas`` is None where as many as run now should run on."""

    role: str
    replicas: int | None = None
    publish: tuple[Port, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    cpus: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What should run at a target.

    ``image`` is a reference that the target's engine can resolve, with its digest where a registry has it. ``secrets``
    are names; their values are never part of this value, ``secrets_version`` changes when one of them does.
    ``stop_timeout`` and ``wait`` are in seconds. ``user`` is the image's USER, its uid as a number where that is known.
    """

    name: str
    target: str
    release: str
    version: str
    image: str
    services: tuple[Service, ...]
    root: str = "/app"
    user: str = ""
    secrets: tuple[str, ...] = ()
    secrets_version: str = ""
    networks: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    probe: Probe | None = None
    stop_timeout: int = 30
    wait: int = 300

    @property
    def digest(self) -> str:
        """Return what changes when anything of the deployment does, as 16 hexadecimal digits."""
        content = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels of everything that belongs to this deployment's target."""
        return {
            "io.relbuild.deployment": self.name,
            "io.relbuild.target": self.target,
        }

    @property
    def uid(self) -> int:
        """The user id that the release runs as; root's where the image names its user."""
        user = self.user.partition(":")[0]
        return int(user) if user.isdigit() else 0

    def secret_name(self, variable: str) -> str:
        """Return the name of the engine's secret that holds a variable: another value has another name.

        Kubernetes and Swarm want small letters and at most 63 characters.
        """
        plain = variable.lower().replace("_", "-")
        return f"{self.name}-{plain[: 63 - len(self.name) - 14]}-{self.secrets_version}"


@dataclass(frozen=True, slots=True)
class TargetEnvironment:
    """The variables of a target: those that anybody may read, and the values of its secrets."""

    plain: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def version(self) -> str:
        """Return ten hexadecimal digits that change with any secret; a slow hash, as others may read it."""
        if not self.secrets:
            return ""
        content = json.dumps(self.secrets, sort_keys=True).encode("utf-8", "surrogateescape")
        return hashlib.scrypt(content, salt=b"relbuild secrets", n=2**14, r=8, p=1, dklen=5).hex()


def read_target_environment(
    name: str,
    target: Target,
    marks: Mapping[str, Mark],
    env_file: Mapping[str, str],
    environ: Mapping[str, str],
) -> TargetEnvironment:
    """Return the variables of a target, from relbuild.yml, the values of its env_file, and relbuild's environment.

    Everything is a secret but what relbuild.yml itself gives a value. Raises UsageError for each that has no value.
    """
    secrets = dict(env_file)
    problems = []
    bare = [variable for variable, value in target.env.items() if value is None]
    for key, variables in (("env", bare), ("secrets", target.secrets)):
        for index, variable in enumerate(variables):
            if variable in environ:
                secrets[variable] = environ[variable]
            elif variable not in env_file:
                at = marks.get(f"targets.{name}.{key}.{variable}") or marks.get(f"targets.{name}.{key}[{index}]")
                problems.append(
                    Problem(
                        f"{variable} of the target {name} isn't set",
                        at,
                        f"export {variable}, or write it to {target.env_file or 'the file of env_file'}",
                    )
                )
    if problems:
        raise UsageError.of(problems)
    plain = {variable: value for variable, value in target.env.items() if value is not None}
    return TargetEnvironment(plain, {variable: value for variable, value in secrets.items() if variable not in plain})


def plan_services(target: Target, environment: TargetEnvironment) -> tuple[Service, ...]:
    """Return the services of a target: one for each role, in their order in relbuild.yml."""
    roles = target.roles or {WEB: Role()}
    return tuple(
        Service(
            role=name,
            replicas=role.replicas if role.replicas is not None else target.replicas,
            publish=tuple(map(Port.parse, role.publish or (target.publish if name == WEB else ()))),
            env={**environment.plain, **role.env},
            labels={**target.labels, **role.labels},
            memory=role.memory or target.memory,
            cpus=role.cpus or target.cpus,
        )
        for name, role in roles.items()
    )


def find_probe(config: Config, label: str | None, service_port: int | None) -> Probe | None:
    """Return how the engine checks the release: by relbuild.yml, else by the image's label; None for neither."""
    if config.healthcheck is not None:
        return Probe("http", config.healthcheck.port, config.healthcheck.path)
    if label:
        found = json.loads(label)
        return Probe("http", int(found["port"]), str(found["path"]))
    return Probe("tcp", service_port) if service_port is not None else None


def name_of(target: Target, release: str) -> str:
    """Return what the services of a target are called."""
    return target.name or release.replace("_", "-")
