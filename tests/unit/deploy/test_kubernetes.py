"""A deployment as Kubernetes manifests, held against the schemas of the API versions that are supported."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from relbuild.commands.targets.kubernetes import RIGHTS
from relbuild.deploy.kubernetes import manifests, migration, object_name, secret, selector
from relbuild.deploy.spec import Deployment, Port, Probe, Service

IMAGE = "registry.example.com/shop@sha256:" + "a" * 64
SHOP = Deployment(
    "shop",
    "production",
    "shop",
    "1.2.0+build.5",
    IMAGE,
    (
        Service("web", None, (Port(80, 4000),), {"PHX_HOST": "shop.example.com"}, {}, "512m", "0.5"),
        Service("worker", 1, (), {"OBAN_QUEUES": "default", "POD_IP": "none"}),
    ),
    user="10001:10001",
    secrets=("DATABASE_URL",),
    secrets_version="0123456789",
    probe=Probe("http", 4000, "/health"),
    stop_timeout=60,
    wait=120,
)
# The newest five minor versions whose schemas there are.
VERSIONS = sorted(set(kubernetes_validate.utils.all_versions()), key=Version)[-5:]


def every_object() -> list[dict[str, Any]]:
    job = migration(SHOP, "shop-migration", ("/app/bin/shop", "eval", "Shop.Release.migrate()"), 120)
    return [*manifests(SHOP, 3, {"web": 2}), secret(SHOP, {"DATABASE_URL": "postgres://db"}), job]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_the_schema(version: str) -> None:
    for document in every_object():
        kubernetes_validate.validate(document, version, strict=True)


def test_a_deployment_starts_the_new_pod_first_and_is_hardened() -> None:
    deployment = manifests(SHOP, 3, {"web": 2})[0]
    assert deployment["metadata"]["name"] == "shop"
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == "1.2.0_build.5"
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 65
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = pod["containers"][0]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"cpu": "0.5", "memory": "512Mi"}
    assert container["startupProbe"] == {
        "httpGet": {"path": "/health", "port": 4000},
        "periodSeconds": 2,
        "failureThreshold": 60,
    }
    assert {"readinessProbe", "livenessProbe"} < set(container)


def test_variables_come_from_the_pod_relbuild_yml_and_the_secret() -> None:
    container = manifests(SHOP, 3, {})[0]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "PHX_HOST", "value": "shop.example.com"},
        {
            "name": "DATABASE_URL",
            "valueFrom": {"secretKeyRef": {"name": "shop-0123456789", "key": "DATABASE_URL"}},
        },
    ]


def test_what_relbuild_yml_sets_goes_over_what_the_pod_has() -> None:
    worker = next(each for each in manifests(SHOP, 3, {}) if each["metadata"]["name"] == "shop-worker")
    names = [each["name"] for each in worker["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names.count("POD_IP") == 1
    assert len(names) == len(set(names))


def test_the_objects_of_a_deployment() -> None:
    found = [(each["kind"], each["metadata"]["name"]) for each in manifests(SHOP, 3, {"web": 2})]
    assert found == [
        ("Deployment", "shop"),
        ("Service", "shop-nodes"),
        ("Service", "shop"),
        ("PodDisruptionBudget", "shop"),
        ("Deployment", "shop-worker"),
        ("Service", "shop-worker-nodes"),
    ]
    assert all(each["metadata"]["labels"]["app.kubernetes.io/instance"] == "shop" for each in every_object())
    assert selector("shop") == "app.kubernetes.io/instance=shop,app.kubernetes.io/managed-by=relbuild"
    assert (object_name(SHOP, "web"), object_name(SHOP, "worker")) == ("shop", "shop-worker")


def test_an_old_cluster_has_the_disruption_budget_of_its_time() -> None:
    budgets = [each for each in manifests(SHOP, 1, {"web": 2}, "policy/v1beta1") if "Budget" in each["kind"]]
    assert [each["apiVersion"] for each in budgets] == ["policy/v1beta1"]


@settings(max_examples=50)
@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,20}", fullmatch=True), st.text(), min_size=1))
def test_a_secret_holds_each_value_as_it_is(values: dict[str, str]) -> None:
    document = secret(SHOP, values)
    assert document["immutable"] is True
    assert {name: base64.b64decode(text).decode() for name, text in document["data"].items()} == values


def test_a_migration_runs_once_without_probes() -> None:
    job = migration(SHOP, "shop-migration", ("/app/bin/shop", "eval", "Shop.Release.migrate()"), 120)
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (0, 120)
    pod = job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["command"] == ["/app/bin/shop", "eval", "Shop.Release.migrate()"]
    assert not {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "ports"} & set(pod["containers"][0])


def test_the_documented_role_has_the_rights_that_are_required() -> None:
    text = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text()
    role = next(each for each in re.findall("```yaml\n(.*?)```", text, re.DOTALL) if "kind: Role" in each)
    documented = {
        (verb, f"{resource}.{rule['apiGroups'][0]}".rstrip("."))
        for rule in yaml.safe_load(role)["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert documented == set(RIGHTS)
