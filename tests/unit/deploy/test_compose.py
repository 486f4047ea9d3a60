"""A deployment as a Compose project of one host, and as a stack of a swarm."""

from __future__ import annotations

from dataclasses import replace

import yaml
from hypothesis import given
from hypothesis import strategies as st

from relbuild.deploy.compose import candidate_name, host_project, probe_command, project_name, secrets_volume, stack
from relbuild.deploy.spec import Deployment, Port, Probe, Service

SHOP = Deployment(
    "shop",
    "production",
    "shop",
    "1.2.0",
    "registry.example.com/shop@sha256:" + "a" * 64,
    (
        Service("web", 2, (Port(80, 4000),), {"PRICE": "5$"}, {"traefik.enable": "true"}, "512m", "0.5"),
        Service("worker"),
    ),
    user="10001:10001",
    secrets=("DATABASE_URL",),
    secrets_version="0123456789",
    networks=("backend",),
    constraints=("node.role == worker",),
    probe=Probe("tcp", 4000),
    stop_timeout=60,
    wait=120,
)
LABELS = {
    "io.relbuild.deployment": "shop",
    "io.relbuild.target": "production",
    "io.relbuild.role": "web",
    "io.relbuild.deployment.revision": "3",
    "io.relbuild.deployment.digest": SHOP.digest,
    "org.opencontainers.image.version": "1.2.0",
}
SERVICE = {
    "image": SHOP.image,
    "environment": {"PRICE": "5$$", "DATABASE_URL_FILE": "/run/secrets/DATABASE_URL"},
    "read_only": True,
    "tmpfs": ["/tmp"],
    "cap_drop": ["ALL"],
    "stop_grace_period": "60s",
    "healthcheck": {
        "test": ["CMD", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4000"],
        "interval": "10s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "120s",
        "start_interval": "1s",
    },
    "init": True,
}


def test_a_host_has_a_project_for_each_revision() -> None:
    project = host_project(SHOP, 3)
    assert project["name"] == project_name("shop", 3) == "shop-3"
    assert project["services"]["web"] == {
        **SERVICE,
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
        "networks": {"shop": {"aliases": ["shop", "shop-web"]}, "backend": {}},
        "ports": [{"target": 4000, "published": "80", "protocol": "tcp"}],
        "labels": {"traefik.enable": "true", **LABELS},
        "volumes": ["secrets:/run/secrets:ro"],
        "deploy": {"replicas": 2, "resources": {"limits": {"cpus": "0.5", "memory": "512m"}}},
    }
    assert project["networks"] == {name: {"name": name, "external": True} for name in ("shop", "backend")}
    assert project["volumes"] == {"secrets": {"name": secrets_volume(SHOP), "external": True}}


def test_a_candidate_publishes_nothing_and_no_proxy_finds_it() -> None:
    candidate = host_project(SHOP, 3, publish=False)
    assert candidate["name"] == candidate_name("shop") == "shop-candidate"
    assert "ports" not in candidate["services"]["web"]
    assert "traefik.enable" not in candidate["services"]["web"]["labels"]


def test_a_stack_starts_the_new_task_first_and_rolls_back() -> None:
    document = stack(SHOP, 3, {"worker": 4})
    web = document["services"]["web"]
    assert web == {
        **SERVICE,
        "networks": {"default": {"aliases": ["shop", "shop-web"]}, "backend": {}},
        "ports": [{"target": 4000, "published": 80, "protocol": "tcp", "mode": "ingress"}],
        "labels": {"traefik.enable": "true", **LABELS},
        "secrets": [{"source": "DATABASE_URL", "target": "DATABASE_URL", "uid": "10001", "mode": 0o400}],
        "deploy": {
            "mode": "replicated",
            "replicas": 2,
            "labels": LABELS,
            "update_config": {
                "parallelism": 1,
                "order": "start-first",
                "failure_action": "rollback",
                "monitor": "10s",
            },
            "rollback_config": {"parallelism": 1, "order": "start-first", "monitor": "5s"},
            "restart_policy": {"condition": "any", "delay": "2s"},
            "placement": {"constraints": ["node.role == worker"]},
            "resources": {"limits": {"cpus": "0.5", "memory": "512m"}},
        },
    }
    # Without a number in relbuild.yml as many as run now go on.
    assert document["services"]["worker"]["deploy"]["replicas"] == 4
    assert document["secrets"] == {"DATABASE_URL": {"name": "shop-database-url-0123456789", "external": True}}


def test_what_a_deployment_lacks_is_in_no_file() -> None:
    bare = replace(SHOP, services=(Service("web"),), secrets=(), networks=(), constraints=(), probe=None)
    assert "volumes" not in host_project(bare, 1)
    assert not {"ports", "volumes", "healthcheck"} & set(host_project(bare, 1)["services"]["web"])
    assert "secrets" not in stack(bare, 1, {})
    assert not {"ports", "secrets", "healthcheck"} & set(stack(bare, 1, {})["services"]["web"])


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_no_value_is_taken_for_a_variable_of_the_callers(value: str) -> None:
    service = Service("web", env={"VALUE": value})
    document = yaml.safe_load(yaml.safe_dump(host_project(replace(SHOP, services=(service,)), 1)))
    written = document["services"]["web"]["environment"]["VALUE"]
    assert written.count("$") == 2 * value.count("$")
    assert written.replace("$$", "$") == value


def test_a_probe_starts_no_second_vm() -> None:
    script = probe_command(Probe("http", 4000, "/health"))[-1]
    assert probe_command(Probe("http", 4000, "/health"))[:2] == ("bash", "-c")
    assert " /health >&3" in script
    assert "'/it'\"'\"'s' >&3" in probe_command(Probe("http", 4000, "/it's"))[-1]
    assert probe_command(Probe("command", command=("test", "-e", "/tmp/up"))) == ("test", "-e", "/tmp/up")
