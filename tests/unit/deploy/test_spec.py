"""A target and its environment as a deployment."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.config import Config, Healthcheck, Target
from relbuild.config.target import Role
from relbuild.deploy.spec import (
    Deployment,
    Port,
    Probe,
    Service,
    TargetEnvironment,
    find_probe,
    name_of,
    plan_services,
    read_target_environment,
)
from relbuild.errors import Mark, Problem, UsageError

SHOP = Deployment(
    "shop", "production", "shop", "1.2.0", "registry.example.com/shop@sha256:" + "a" * 64, (Service("web"),)
)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80:4000", Port(80, 4000)),
        ("53:5353/udp", Port(53, 5353, "udp")),
        ("127.0.0.1:8080:4000", Port(8080, 4000, "tcp", "127.0.0.1")),
        ("[::1]:8080:4000/tcp", Port(8080, 4000, "tcp", "[::1]")),
    ],
)
def test_a_port_is_read_as_docker_reads_it(text: str, port: Port) -> None:
    assert Port.parse(text) == port


def test_everything_but_the_values_of_relbuild_yml_is_secret() -> None:
    target = Target("host", env=MappingProxyType({"PHX_HOST": "shop.example.com", "COOKIE": None}), secrets=("KEY",))
    read = read_target_environment(
        "production", target, {}, {"DATABASE_URL": "postgres://db"}, {"COOKIE": "c", "KEY": "k"}
    )
    assert dict(read.plain) == {"PHX_HOST": "shop.example.com"}
    assert dict(read.secrets) == {"DATABASE_URL": "postgres://db", "COOKIE": "c", "KEY": "k"}
    assert "postgres://db" not in repr(read)


def test_a_secret_without_a_value_is_named_at_its_place() -> None:
    target = Target("host", env_file=".env", env=MappingProxyType({"COOKIE": None}), secrets=("FROM_FILE", "KEY"))
    marks = {"targets.a.env.COOKIE": Mark("relbuild.yml", 4, 7), "targets.a.secrets[1]": Mark("relbuild.yml", 5, 20)}
    with pytest.raises(UsageError) as caught:
        read_target_environment("a", target, marks, {"FROM_FILE": "x"}, {})
    assert caught.value.problems == (
        Problem("COOKIE of the target a isn't set", Mark("relbuild.yml", 4, 7), "export COOKIE, or write it to .env"),
        Problem("KEY of the target a isn't set", Mark("relbuild.yml", 5, 20), "export KEY, or write it to .env"),
    )


@given(st.dictionaries(st.text("ABC", min_size=1), st.text(), min_size=1), st.text())
def test_the_version_of_secrets_changes_with_each_value(values: dict[str, str], other: str) -> None:
    name = next(iter(values))
    changed = {**values, name: other}
    assert (TargetEnvironment({}, values).version == TargetEnvironment({}, changed).version) == (values == changed)


def test_a_target_without_roles_is_one_service() -> None:
    target = Target("swarm", replicas=3, publish=("80:4000",), memory="512m")
    assert plan_services(target, TargetEnvironment({"A": "1"}, {})) == (
        Service("web", 3, (Port(80, 4000),), {"A": "1"}, {}, "512m"),
    )


def test_a_role_has_settings_of_its_own_over_the_targets() -> None:
    roles = {"web": Role(), "worker": Role(replicas=0, env={"A": "2"}, labels={"x": "y"}, cpus="1")}
    target = Target("swarm", replicas=3, publish=("80:4000",), roles=roles, labels={"x": "z"}, memory="1g")
    assert plan_services(target, TargetEnvironment({"A": "1", "B": "b"}, {})) == (
        Service("web", 3, (Port(80, 4000),), {"A": "1", "B": "b"}, {"x": "z"}, "1g"),
        Service("worker", 0, (), {"A": "2", "B": "b"}, {"x": "y"}, "1g", "1"),
    )


def test_the_probe_is_relbuild_ymls_then_the_images_then_a_connection() -> None:
    config = Config(healthcheck=Healthcheck("/health", 4000))
    assert find_probe(config, '{"path": "/", "port": 1}', 80) == Probe("http", 4000, "/health")
    assert find_probe(Config(), '{"path": "/up", "port": 8080}', 80) == Probe("http", 8080, "/up")
    assert find_probe(Config(), None, 80) == Probe("tcp", 80)
    assert find_probe(Config(), None, None) is None


def test_the_digest_changes_with_anything() -> None:
    others = [
        replace(SHOP, image="other"),
        replace(SHOP, secrets_version="1"),
        replace(SHOP, services=(Service("web", 2),)),
        replace(SHOP, stop_timeout=60),
        replace(SHOP, services=(Service("web", env={"A": "1"}),)),
    ]
    assert len({SHOP.digest, *(each.digest for each in others)}) == 1 + len(others)
    assert SHOP.digest == replace(SHOP).digest


@given(st.from_regex(r"[A-Z][A-Z0-9_]{0,200}", fullmatch=True))
def test_a_secrets_name_is_one_that_swarm_takes(variable: str) -> None:
    deployment = replace(SHOP, name="a" * 40, secrets_version="0123456789")
    name = deployment.secret_name(variable)
    assert len(name) <= 64
    assert name.startswith("a" * 40 + "-")
    assert name.endswith("-0123456789")


def test_a_target_is_called_after_its_release() -> None:
    assert name_of(Target("host"), "my_shop") == "my-shop"
    assert name_of(Target("host", name="shop-staging"), "my_shop") == "shop-staging"


@pytest.mark.parametrize(("user", "uid"), [("10001:10001", 10001), ("10001", 10001), ("nobody", 0), ("", 0)])
def test_the_user_id_of_an_image(user: str, uid: int) -> None:
    assert replace(SHOP, user=user).uid == uid
