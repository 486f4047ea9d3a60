"""A deployment as a Compose file: for one host by docker compose, for a swarm as a stack.

https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from relbuild.deploy.spec import SECRETS_DIRECTORY, Deployment, Port, Probe, Service
from relbuild.image.labels import OCI_VERSION

SPEC_LABEL = "io.relbuild.deployment.digest"
REVISION_LABEL = "io.relbuild.deployment.revision"
ROLE_LABEL = "io.relbuild.role"
# How often a copy is checked, and how long a check may take. The first checks come quickly: see start_interval.
INTERVAL, START_INTERVAL, TIMEOUT = "10s", "1s", "5s"
# Seconds that Swarm watches a new task before it goes on to the next.
MONITOR = 10


def host_project(deployment: Deployment, revision: int, *, publish: bool = True) -> dict[str, Any]:
    """Return the Compose project of one revision on one host; without ``publish`` it is a candidate beside the old one.

    Each revision is a project of its own, so that the one before can be started again as it was.
    """
    name = deployment.name
    services = {}
    for service in deployment.services:
        alias = {name: {"aliases": [name, f"{name}-{service.role}"]}}
        services[service.role] = {
            **_service(deployment, service, revision),
            "init": True,
            "restart": "unless-stopped",
            "security_opt": ["no-new-privileges:true"],
            "networks": {**alias, **{network: {} for network in deployment.networks}},
            **({"ports": [_port(port) for port in service.publish]} if publish and service.publish else {}),
            "labels": _labels(deployment, service, revision, publish=publish),
            **({"volumes": [f"secrets:{SECRETS_DIRECTORY}:ro"]} if deployment.secrets else {}),
            "deploy": {"replicas": service.replicas or 1, **_resources(service)},
        }
    project: dict[str, Any] = _escaped(
        {
            "name": project_name(name, revision) if publish else candidate_name(name),
            "services": services,
            "networks": {each: {"name": each, "external": True} for each in (name, *deployment.networks)},
            **(
                {"volumes": {"secrets": {"name": secrets_volume(deployment), "external": True}}}
                if deployment.secrets
                else {}
            ),
        }
    )
    return project


def stack(deployment: Deployment, revision: int, running: Mapping[str, int]) -> dict[str, Any]:
    """Return the stack of a swarm; ``running`` are today's replicas by role, which hold where relbuild.yml has none."""
    name = deployment.name
    services = {}
    for service in deployment.services:
        replicas = service.replicas if service.replicas is not None else running.get(service.role, 1)
        services[service.role] = {
            **_service(deployment, service, revision),
            "init": True,
            "networks": {
                "default": {"aliases": [name, f"{name}-{service.role}"]},
                **{network: {} for network in deployment.networks},
            },
            **({"ports": [_swarm_port(port) for port in service.publish]} if service.publish else {}),
            "labels": _labels(deployment, service, revision, publish=True),
            **({"secrets": [_secret(deployment, each) for each in deployment.secrets]} if deployment.secrets else {}),
            "deploy": {
                "mode": "replicated",
                "replicas": replicas,
                "labels": {**deployment.labels, ROLE_LABEL: service.role, **_revision(deployment, revision)},
                # The new task serves before the old one is stopped; one that fails brings the old version back.
                "update_config": {
                    "parallelism": 1,
                    "order": "start-first",
                    "failure_action": "rollback",
                    "monitor": f"{MONITOR}s",
                },
                "rollback_config": {"parallelism": 1, "order": "start-first", "monitor": "5s"},
                "restart_policy": {"condition": "any", "delay": "2s"},
                **({"placement": {"constraints": list(deployment.constraints)}} if deployment.constraints else {}),
                **_resources(service),
            },
        }
    document: dict[str, Any] = _escaped(
        {
            # The stack's own network is an overlay that one-off containers can join, as migrations do.
            "services": services,
            "networks": {
                "default": {"driver": "overlay", "attachable": True},
                **{network: {"name": network, "external": True} for network in deployment.networks},
            },
            **(
                {"secrets": {each: _external(deployment.secret_name(each)) for each in deployment.secrets}}
                if deployment.secrets
                else {}
            ),
        }
    )
    return document


def project_name(name: str, revision: int) -> str:
    """Return the name of the Compose project of one revision."""
    return f"{name}-{revision}"


def candidate_name(name: str) -> str:
    """Return the name of the Compose project that is tried before the running one is replaced."""
    return f"{name}-candidate"


def secrets_volume(deployment: Deployment) -> str:
    """Return the name of the volume that holds a host's secrets; another value has another volume."""
    return f"{deployment.name}-secrets-{deployment.secrets_version}"


def _service(deployment: Deployment, service: Service, revision: int) -> dict[str, Any]:
    """Return what is the same on one host and in a swarm."""
    files = {f"{each}_FILE": f"{SECRETS_DIRECTORY}/{each}" for each in deployment.secrets if each not in service.env}
    healthcheck = _healthcheck(deployment)
    return {
        "image": deployment.image,
        "environment": {**service.env, **files},
        "read_only": True,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "stop_grace_period": f"{deployment.stop_timeout}s",
        **({"healthcheck": healthcheck} if healthcheck else {}),
    }


def _healthcheck(deployment: Deployment) -> dict[str, Any] | None:
    probe = deployment.probe
    if probe is None:
        return None
    return {
        "test": ["CMD", *probe_command(probe)],
        "interval": INTERVAL,
        "timeout": TIMEOUT,
        "retries": 3,
        # Failures don't count until then, and checks come each second: the engine knows at once when the copy is up.
        "start_period": f"{deployment.wait}s",
        "start_interval": START_INTERVAL,
    }


def probe_command(probe: Probe) -> tuple[str, ...]:
    """Return a command for a container that starts no second VM and needs nothing but bash."""
    if probe.kind == "command":
        return probe.command
    connect = f"exec 3<>/dev/tcp/127.0.0.1/{probe.port}"
    if probe.kind == "tcp":
        return ("bash", "-c", connect)
    return (
        "bash",
        "-c",
        f"{connect} && printf 'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' {shlex.quote(probe.path)} >&3"
        ' && read -r status <&3 && echo "$status" && case "$status" in HTTP/*" 2"*) ;; *) exit 1 ;; esac',
    )


def _labels(deployment: Deployment, service: Service, revision: int, *, publish: bool) -> dict[str, str]:
    """Return a container's labels; a proxy must not find a candidate, so that it has none of the user's."""
    return {
        **(service.labels if publish else {}),
        **deployment.labels,
        ROLE_LABEL: service.role,
        **_revision(deployment, revision),
    }


def _revision(deployment: Deployment, revision: int) -> dict[str, str]:
    return {
        REVISION_LABEL: str(revision),
        SPEC_LABEL: deployment.digest,
        OCI_VERSION: deployment.version,
    }


def _resources(service: Service) -> dict[str, Any]:
    limits = {"cpus": service.cpus, "memory": service.memory}
    given = {name: value for name, value in limits.items() if value is not None}
    return {"resources": {"limits": given}} if given else {}


def _port(port: Port) -> dict[str, Any]:
    return {
        "target": port.inside,
        "published": str(port.outside),
        "protocol": port.protocol,
        **({"host_ip": port.address.strip("[]")} if port.address else {}),
    }


def _swarm_port(port: Port) -> dict[str, Any]:
    return {"target": port.inside, "published": port.outside, "protocol": port.protocol, "mode": "ingress"}


def _secret(deployment: Deployment, variable: str) -> dict[str, Any]:
    return {"source": variable, "target": variable, "uid": str(deployment.uid), "mode": 0o400}


def _external(name: str) -> dict[str, Any]:
    return {"name": name, "external": True}


def _escaped(value: Any) -> Any:
    """Return a document in which every ``$`` is one: Compose would take it for a variable of the caller's."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value
