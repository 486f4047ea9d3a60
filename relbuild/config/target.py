"""A target of relbuild.yml as a type: a place to deploy to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from relbuild.config import texts
from relbuild.config.kinds import Choice, Flag, Listing, Section, Table, Whole, key, nothing, required


@dataclass(frozen=True, slots=True)
class Hooks:
    """Shell commands on the machine where relbuild runs, with RELBUILD_TARGET, _IMAGE, _VERSION and _REVISION set."""

    before_deploy: tuple[str, ...] = key(
        Listing("a list of shell commands", texts.COMMAND),
        "Run under the deployment's lock before anything changes; one that fails ends the deployment.",
        default="[]",
        example="[./scripts/announce start]",
        value=(),
    )
    after_deploy: tuple[str, ...] = key(
        Listing("a list of shell commands", texts.COMMAND),
        "Run after the new version serves; one that fails is a warning.",
        default="[]",
        example="[./scripts/announce end]",
        value=(),
    )


@dataclass(frozen=True, slots=True)
class Role:
    """One of several services that run the same image, with settings of its own."""

    replicas: int | None = key(
        Whole(0),
        "How many copies of this role run.",
        default="the target's",
        example="2",
    )
    publish: tuple[str, ...] = key(
        Listing("a list of ports", texts.PUBLISH, unique=True),
        "Ports to publish, OUTSIDE:INSIDE.",
        default="the target's for the role web, else []",
        example='["80:4000"]',
        value=(),
    )
    env: Mapping[str, str] = key(
        Table("a mapping of environment variables", texts.VARIABLE, texts.TARGET_ENV_VALUE),
        "Environment variables of this role alone, over the target's.",
        default="{}",
        example="{OBAN_QUEUES: default}",
        factory=nothing,
    )
    labels: Mapping[str, str] = key(
        Table("a mapping of labels", texts.LABEL, texts.TARGET_ENV_VALUE),
        "Container labels of this role alone, over the target's.",
        default="{}",
        example="{traefik.enable: 'true'}",
        factory=nothing,
    )
    memory: str | None = key(
        texts.MEMORY, "The memory limit of each copy.", default="the target's", example="512m", value=None
    )
    cpus: str | None = key(
        texts.CPUS, "The CPU limit of each copy.", default="the target's", example='"0.5"', value=None
    )


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
    name: str | None = key(
        texts.SERVICE_NAME,
        "What the Compose project, the stack or the Deployment is called; two targets on one engine need two names.",
        default="the release's name, with - for _",
        example="shop-staging",
    )
    replicas: int | None = key(
        Whole(),
        "How many copies run; on a host several need a proxy that finds containers by their labels.",
        default="as many as run now; 1 at first",
        example="3",
    )
    roles: Mapping[str, Role] = key(
        Table("a mapping of roles", texts.ROLE, Section(Role)),
        "Several services of one image, each with replicas, publish, env, labels, memory and cpus of its own.",
        default="{web: {}}",
        example="{web: {publish: ['80:4000']}, worker: {replicas: 2, env: {ROLE: worker}}}",
        factory=nothing,
    )
    publish: tuple[str, ...] = key(
        Listing("a list of ports", texts.PUBLISH, unique=True),
        "Ports to publish, OUTSIDE:INSIDE; on Kubernetes the Service's port and the container's.",
        default="[]",
        example='["80:4000"]',
        value=(),
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
        "Environment variables. One without a value is taken from where relbuild runs, as a secret.",
        default="{}",
        example="{PHX_HOST: shop.example.com, SECRET_KEY_BASE: null}",
        factory=nothing,
    )
    env_file: str | None = key(
        texts.FILE,
        "A file of NAME=value lines, on the machine where relbuild runs, relative to relbuild.yml; each is a secret.",
        default="null",
        example=".env.production",
    )
    secrets: tuple[str, ...] = key(
        Listing("a list of names of environment variables", texts.SECRET, unique=True),
        "Names of environment variables that are set where relbuild runs or in env_file; the release gets them as "
        "secrets of the engine, which no inspect shows.",
        default="[]",
        example="[DATABASE_URL, SECRET_KEY_BASE]",
        value=(),
    )
    labels: Mapping[str, str] = key(
        Table("a mapping of labels", texts.LABEL, texts.TARGET_ENV_VALUE),
        "Container labels, by which a proxy such as Traefik or Caddy finds the containers; then publish no port.",
        default="{}",
        example="{traefik.enable: 'true'}",
        factory=nothing,
    )
    memory: str | None = key(texts.MEMORY, "The memory limit of each copy.", default="none", example="512m", value=None)
    cpus: str | None = key(texts.CPUS, "The CPU limit of each copy.", default="none", example='"0.5"', value=None)
    constraints: tuple[str, ...] = key(
        Listing("a list of placement constraints", texts.CONSTRAINT, unique=True),
        "Placement constraints, as docker service create --constraint takes them.",
        default="[]",
        example="[node.labels.app == true]",
        value=(),
        engines=("swarm",),
    )
    manifests: tuple[str, ...] = key(
        Listing("a list of files", texts.FILE, unique=True),
        "Further manifests that are applied with the release's own, relative to relbuild.yml.",
        default="[]",
        example="[k8s/ingress.yaml]",
        value=(),
        engines=("kubernetes",),
    )
    hooks: Hooks = key(
        Section(Hooks), "Shell commands around a deployment.", example="{after_deploy: [./announce]}", factory=Hooks
    )
    migrate: bool = key(
        Flag(),
        "Whether a deployment runs the image's migrations before the new version starts.",
        default="true",
        example="false",
        value=True,
    )
    wait: int = key(
        Whole(),
        "Seconds that the new version may take until it is healthy.",
        default="300",
        example="120",
        value=300,
    )
    keep: int = key(
        Whole(),
        "How many images of earlier versions stay on the engine.",
        default="5",
        example="3",
        value=5,
        engines=("host", "swarm"),
    )
    stop_timeout: int | None = key(
        Whole(),
        "Seconds that a container has to stop after SIGTERM; more than the release takes to drain.",
        default="30",
        example="60",
    )
