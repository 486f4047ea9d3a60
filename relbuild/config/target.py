"""A target of relbuild.yml as a type: a place to deploy to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from relbuild.config import texts
from relbuild.config.kinds import Choice, Listing, Table, Whole, key, nothing, required
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A place to deploy to."""

    engine: Literal["host", "swarm", "kubernetes"] = required(
        Choice(("host", "swarm", "kubernetes")),
        "What runs it: one Docker host, Docker Swarm, or Kubernetes.",
        example="swarm",
    )
    host: str | None = key(
        texts.ENDPOINT,
        "The Docker engine's endpoint; of a swarm, a manager's.",
        default="the engine that docker uses by itself",
        example="ssh://deploy@web1.example.com",
        engines=("host", "swarm"),
    )
    context: str | None = key(
        texts.CONTEXT,
        "The context of docker, or of kubectl for Kubernetes; for Docker in place of host.",
        default="the current one",
        example="prod",
    )
    nodes: Mapping[str, str] = key(
        Table("a mapping of nodes", texts.NODE, texts.ENDPOINT),
        "The Docker engines of the swarm's nodes by host name: a command for a task reaches the node it runs on.",
        default="{}",
        example="{web2: ssh://deploy@web2.example.com}",
        factory=nothing,
        engines=("swarm",),
    )
    namespace: str | None = key(
        texts.NAMESPACE,
        "The namespace in Kubernetes.",
        default="the context's own",
        example="shop",
        engines=("kubernetes",),
    )
    replicas: int | None = key(
        Whole(),
        "How many copies run.",
        default="as many as run now; 1 at first",
        example="3",
        engines=("swarm", "kubernetes"),
    )
    publish: tuple[str, ...] = key(
        Listing("a list of ports", texts.PUBLISH, unique=True),
        "Ports to publish, OUTSIDE:INSIDE.",
        default="[]",
        example='["80:4000"]',
        value=(),
        engines=("host", "swarm"),
    )
    networks: tuple[str, ...] = key(
        Listing("a list of networks", texts.NETWORK, unique=True),
        "Docker networks to join, in which a database is found by its name; they must be there.",
        default="[]",
        example="[backend]",
        value=(),
        engines=("host", "swarm"),
    )
    env: Mapping[str, str | None] = key(
        Table("a mapping of environment variables", texts.VARIABLE, texts.TARGET_ENV_VALUE, bare=True),
        "Environment variables. One without a value is taken from where relbuild runs: the way for secrets.",
        default="{}",
        example="{PHX_HOST: shop.example.com, SECRET_KEY_BASE: null}",
        factory=nothing,
    )
    env_file: str | None = key(
        texts.FILE,
        "A file of NAME=value lines, on the machine where relbuild runs, relative to relbuild.yml.",
        default="null",
        example=".env.production",
    )
    stop_timeout: int | None = key(
        Whole(),
        "Seconds that a container has to stop after SIGTERM; more than the release takes to drain.",
        default="the engine's own: 10, in Kubernetes 30",
        example="60",
    )
