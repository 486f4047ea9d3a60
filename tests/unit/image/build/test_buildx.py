"""A plan as docker commands."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any

from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.image.build import buildx


def planned(ssh: bool = False, network: str = "default") -> Any:
    return SimpleNamespace(builder=SimpleNamespace(needs_ssh=ssh, network=network))


def test_build() -> None:
    argv = buildx.build(
        planned(), DEFAULT, dockerfile="/c/Dockerfile", tag="candidate:1", context=".", scripts="/c/s", secrets={}
    )
    assert shlex.join(argv) == (
        "docker buildx build --load --progress rawjson --provenance=false --build-context scripts=/c/s"
        " --tag candidate:1 --file /c/Dockerfile ."
    )


def test_a_secret_is_named_and_never_carried() -> None:
    secrets = {"HEX_KEY": "env=HEX_KEY", "SSH_KNOWN_HOSTS": "src=/home/me/.ssh/known_hosts"}
    argv = buildx.build(
        planned(ssh=True, network="host"),
        Endpoint(context="ci"),
        dockerfile="D",
        tag="c:1",
        context="/p q",
        scripts="S",
        cache="shop-1f",
        secrets=secrets,
    )
    assert shlex.join(argv) == (
        "docker --context ci buildx build --load --progress rawjson --provenance=false --secret id=HEX_KEY,env=HEX_KEY"
        " --secret id=SSH_KNOWN_HOSTS,src=/home/me/.ssh/known_hosts --ssh default --network host"
        " --build-context scripts=S --build-arg CACHE=shop-1f --tag c:1 --file D '/p q'"
    )


def test_an_image_for_several_platforms() -> None:
    names = ("linux/amd64", "linux/arm64")
    argv = buildx.build(
        planned(), DEFAULT, dockerfile="D", tag="c:1", context=".", scripts="S", secrets={}, platforms=names
    )
    assert shlex.join(argv) == (
        "docker buildx build --load --progress rawjson --provenance=false --platform linux/amd64,linux/arm64"
        " --build-context scripts=S --tag c:1 --file D ."
    )


def test_naming() -> None:
    assert shlex.join(buildx.tag("c:1", "shop:1", DEFAULT)) == "docker tag c:1 shop:1"
    assert shlex.join(buildx.untag("c:1", DEFAULT)) == "docker image rm --no-prune c:1"
    assert shlex.join(buildx.push("shop:1", DEFAULT)) == "docker push shop:1"
    assert shlex.join(buildx.pull("shop:1", DEFAULT)) == "docker pull shop:1"
