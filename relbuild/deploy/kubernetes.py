"""A deployment as Kubernetes manifests: plain objects of API versions that every supported cluster has.

https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from relbuild.deploy.compose import REVISION_LABEL, ROLE_LABEL, SPEC_LABEL, probe_command
from relbuild.deploy.spec import Deployment, Port, Probe, Service
from relbuild.image.labels import OCI_VERSION

# Who applies the objects, for --server-side, and whose they are: nothing else is ever changed or pruned.
FIELD_MANAGER = "relbuild"
MANAGED_BY = "app.kubernetes.io/managed-by"
# Seconds before a pod that is to stop gets SIGTERM: until then the Service's endpoints have forgotten it everywhere.
DRAIN = 5
# The variables that say a node's name, as env.sh of `relbuild init` reads them.
EPMD = {"name": "epmd", "port": 4369, "protocol": "TCP", "targetPort": 4369}
POD_ENV = (("POD_IP", "status.podIP"), ("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace"))


def manifests(
    deployment: Deployment, revision: int, running: Mapping[str, int], policy: str = "policy/v1"
) -> tuple[dict[str, Any], ...]:
    """Return the objects of a deployment, without the Secret; ``running`` are today's replicas by role.

    A role without ``replicas`` keeps as many as run now, so that an autoscaler's number isn't undone. ``policy`` is the
    API version of PodDisruptionBudget: before Kubernetes 1.21 policy/v1beta1.
    """
    found: list[dict[str, Any]] = []
    for service in deployment.services:
        replicas = service.replicas if service.replicas is not None else running.get(service.role, 1)
        found.append(_deployment(deployment, service, revision, replicas))
        # Nodes of a cluster find each other by this one's A records, before they are ready too.
        found.append(_service(deployment, service, headless=True))
        if service.publish:
            found.append(_service(deployment, service, headless=False))
        if replicas > 1:
            found.append(_disruption_budget(deployment, service, policy))
    return tuple(found)


def secret(deployment: Deployment, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret; its name has the version of the values, so that it can be immutable."""
    data = {name: base64.b64encode(values[name].encode("utf-8", "surrogateescape")).decode() for name in values}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(deployment), "labels": _labels(deployment)},
        "immutable": True,
        "type": "Opaque",
        "data": data,
    }


def migration(deployment: Deployment, name: str, argv: tuple[str, ...], timeout: int) -> dict[str, Any]:
    """Return the Job that runs a command of the new image once, in the release's own environment.

    ``timeout`` is in seconds. A Job that has ended is removed by the cluster an hour later.
    """
    first = deployment.services[0]
    container = _container(deployment, first)
    for each in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "ports"):
        container.pop(each, None)
    container["command"] = list(argv)
    pod = _pod(deployment, first, container)
    pod["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {**_labels(deployment), ROLE_LABEL: "migration"}},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": timeout,
            "ttlSecondsAfterFinished": 3600,
            "template": {"metadata": {"labels": {**_labels(deployment), ROLE_LABEL: "migration"}}, "spec": pod},
        },
    }


def object_name(deployment: Deployment, role: str) -> str:
    """Return what a role's objects are called: the first role has the deployment's own name."""
    return deployment.name if role == deployment.services[0].role else f"{deployment.name}-{role}"


def secret_name(deployment: Deployment) -> str:
    """Return the name of the Secret with the deployment's values."""
    return f"{deployment.name}-{deployment.secrets_version}"


def selector(name: str) -> str:
    """Return the label selector of all objects of a deployment of this name."""
    return f"app.kubernetes.io/instance={name},{MANAGED_BY}={FIELD_MANAGER}"


def _labels(deployment: Deployment) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": deployment.release.replace("_", "-"),
        "app.kubernetes.io/instance": deployment.name,
        MANAGED_BY: FIELD_MANAGER,
        "io.relbuild.target": deployment.target,
    }


def _selected(deployment: Deployment, service: Service) -> dict[str, str]:
    """Return the labels by which pods of a role are found; a Deployment's selector can never change."""
    return {"app.kubernetes.io/instance": deployment.name, ROLE_LABEL: service.role}


def _deployment(deployment: Deployment, service: Service, revision: int, replicas: int) -> dict[str, Any]:
    labels = {**_labels(deployment), ROLE_LABEL: service.role}
    version = {"app.kubernetes.io/version": _label_value(deployment.version)}
    pod = _pod(deployment, service, _container(deployment, service))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": object_name(deployment, service.role),
            "labels": {**labels, **version},
            "annotations": {"kubernetes.io/change-cause": f"relbuild deploy {deployment.version}"},
        },
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": deployment.wait,
            "selector": {"matchLabels": _selected(deployment, service)},
            # The new pod is ready before an old one goes.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": {**labels, **version, **service.labels},
                    # In the template, which `rollout undo` brings back: they tell what runs.
                    "annotations": {
                        SPEC_LABEL: deployment.digest,
                        REVISION_LABEL: str(revision),
                        OCI_VERSION: deployment.version,
                    },
                },
                "spec": pod,
            },
        },
    }


def _pod(deployment: Deployment, service: Service, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": deployment.stop_timeout + DRAIN,
        "securityContext": {
            "runAsNonRoot": True,
            **({"runAsUser": deployment.uid} if deployment.uid else {}),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _container(deployment: Deployment, service: Service) -> dict[str, Any]:
    limits = {"cpu": service.cpus, "memory": _memory(service.memory)}
    given = {name: value for name, value in limits.items() if value is not None}
    return {
        "name": "release",
        "image": deployment.image,
        "imagePullPolicy": "IfNotPresent",
        "env": _env(deployment, service),
        **({"ports": [_container_port(port) for port in service.publish]} if service.publish else {}),
        **({"resources": {"limits": given, "requests": given}} if given else {}),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        **_probes(deployment),
        # A pod gets SIGTERM and leaves the Service at the same time: requests come for a moment longer.
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", f"sleep {DRAIN}"]}}},
    }


def _env(deployment: Deployment, service: Service) -> list[dict[str, Any]]:
    """Return the variables: the pod's own by the downward API, relbuild.yml's, and those that a Secret holds."""
    fields = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in POD_ENV
        if name not in service.env
    ]
    plain = [{"name": name, "value": value} for name, value in service.env.items()]
    secrets = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_name(deployment), "key": name}}}
        for name in deployment.secrets
        if name not in service.env
    ]
    return [*fields, *plain, *secrets]


def _probes(deployment: Deployment) -> dict[str, Any]:
    """Return the three probes: the start has as long as ``wait``, then readiness and liveness take over."""
    if deployment.probe is None:
        return {}
    probe = _probe(deployment.probe)
    return {
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": max(1, deployment.wait // 2)},
        "readinessProbe": {**probe, "periodSeconds": 5, "failureThreshold": 2, "timeoutSeconds": 3},
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6, "timeoutSeconds": 5},
    }


def _probe(probe: Probe) -> dict[str, Any]:
    if probe.kind == "http":
        return {"httpGet": {"path": probe.path, "port": probe.port}}
    if probe.kind == "tcp":
        return {"tcpSocket": {"port": probe.port}}
    return {"exec": {"command": list(probe_command(probe))}}


def _service(deployment: Deployment, service: Service, *, headless: bool) -> dict[str, Any]:
    name = object_name(deployment, service.role)
    ports = [_service_port(port) for port in service.publish]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": f"{name}-nodes" if headless else name,
            "labels": {**_labels(deployment), ROLE_LABEL: service.role},
        },
        "spec": {
            "selector": _selected(deployment, service),
            **(
                {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": [EPMD]}
                if headless
                else {"type": "ClusterIP", "ports": ports}
            ),
        },
    }


def _disruption_budget(deployment: Deployment, service: Service, policy: str) -> dict[str, Any]:
    return {
        "apiVersion": policy,
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": object_name(deployment, service.role),
            "labels": {**_labels(deployment), ROLE_LABEL: service.role},
        },
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": _selected(deployment, service)}},
    }


def _container_port(port: Port) -> dict[str, Any]:
    return {"containerPort": port.inside, "protocol": port.protocol.upper()}


def _service_port(port: Port) -> dict[str, Any]:
    # Several ports need names; --server-side needs the protocol stated.
    return {
        "name": f"{port.protocol}-{port.outside}",
        "port": port.outside,
        "targetPort": port.inside,
        "protocol": port.protocol.upper(),
    }


def _memory(limit: str | None) -> str | None:
    """Return Docker's ``512m`` as Kubernetes' ``512Mi``: in Kubernetes ``m`` is a thousandth of a byte."""
    return None if limit is None else f"{limit[:-1]}{limit[-1].upper() if limit[-1] != 'k' else 'K'}i"


def _label_value(version: str) -> str:
    """Return a version as a label's value, which knows no ``+``."""
    return version.replace("+", "_")[:63]
