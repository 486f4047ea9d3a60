"""One-off containers and jobs as argvs, their names, and what they get of the app beside them."""

from __future__ import annotations

import csv
import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.endpoint import Endpoint
from relbuild.release.oneoff import (
    MAX_NAME,
    CopiedOptions,
    OneOff,
    connect_container,
    copy_container,
    copy_service,
    create_container,
    create_job,
    lock_name,
)

GIVEN = {
    "name": "relbuild-migrate-web",
    "image": "shop:1.0",
    "argv": ("/app/bin/shop", "eval", "A.b()"),
    "labels": {"by": "me@here"},
    "container_labels": {"one-off": ""},
    "env": ("DATABASE_URL",),
    "options": ("--network", "web"),
    "networks": ("backend",),
    "endpoint": Endpoint(context="prod"),
}


def test_a_container() -> None:
    one_off = OneOff(**GIVEN)  # type: ignore[arg-type]
    assert [shlex.join(argv) for argv in (create_container(one_off), *connect_container(one_off))] == [
        "docker --context prod create --name relbuild-migrate-web --no-healthcheck --label by=me@here --label one-off="
        " --network web --env DATABASE_URL --entrypoint /app/bin/shop shop:1.0 eval 'A.b()'",
        "docker --context prod network connect backend relbuild-migrate-web",
    ]


def test_a_job() -> None:
    assert shlex.join(create_job(OneOff(**GIVEN))) == (  # type: ignore[arg-type]
        "docker --context prod service create --detach --quiet --with-registry-auth --mode replicated-job"
        " --restart-condition none --container-label one-off= --name relbuild-migrate-web --no-healthcheck"
        " --label by=me@here --network web --env DATABASE_URL --entrypoint /app/bin/shop shop:1.0 eval 'A.b()'"
    )


def test_a_plain_name_is_kept() -> None:
    assert lock_name("migrate", "shop_web-1") == "relbuild-migrate-shop_web-1"


@given(st.text(min_size=1, max_size=90), st.text(min_size=1, max_size=90))
def test_every_target_has_a_name_of_its_own_that_docker_takes(one: str, other: str) -> None:
    names = [lock_name("migrate", target) for target in (one, other)]
    for name in names:
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", name)
        assert len(name) <= MAX_NAME
    assert (names[0] == names[1]) == (one == other)


IMAGE = {"Config": {"Env": ["PATH=/bin", "LANG=C.UTF-8"], "User": "10001:10001"}}


def container(config: dict[str, Any], host: dict[str, Any], networks: tuple[str, ...] = ("bridge",)) -> dict[str, Any]:
    return {
        "Id": "c0ffee",
        "Config": {"Image": "shop:1.0", "User": "10001:10001", **config},
        "HostConfig": {"NetworkMode": networks[0] if networks else "default", **host},
        "NetworkSettings": {"Networks": {name: {} for name in networks}},
    }


def service(task: dict[str, Any], **container: Any) -> dict[str, Any]:
    return {"Spec": {"Name": "shop", "TaskTemplate": {"ContainerSpec": {"Image": "shop:1.0", **container}, **task}}}


def test_a_plain_container() -> None:
    env = ["PATH=/bin", "LANG=C.UTF-8", "DATABASE_URL=a=b", "EMPTY="]
    assert copy_container(container({"Env": env}, {}), IMAGE) == CopiedOptions(
        {"DATABASE_URL": "a=b", "EMPTY": ""}, ("--network", "bridge", "--volumes-from", "c0ffee")
    )


def test_all_that_a_container_can_have() -> None:
    host = {
        "ReadonlyRootfs": True,
        "Tmpfs": {"/run": "size=1m,mode=1777", "/cache": ""},
        "Mounts": [
            {"Type": "volume", "Source": "uploads", "Target": "/uploads"},
            {"Type": "tmpfs", "Target": "/a,b", "TmpfsOptions": {"SizeBytes": 1024, "Mode": 0o1777}},
        ],
        "ExtraHosts": ["db:10.0.0.1"],
        "Dns": ["10.0.0.53"],
        "DnsSearch": ["example.com"],
        "DnsOptions": ["ndots:1"],
        "GroupAdd": ["audio"],
    }
    copied = copy_container(container({"User": "7"}, host, ("web", "backend", "other")), IMAGE)
    assert (copied.variables, copied.networks) == ({}, ("backend", "other"))
    assert shlex.join(copied.options) == (
        "--network web --volumes-from c0ffee --read-only --tmpfs /run:size=1m,mode=1777 --tmpfs /cache --tmpfs /tmp"
        """ --mount 'type=tmpfs,"target=/a,b",tmpfs-size=1024,tmpfs-mode=1777'"""
        " --add-host db:10.0.0.1 --dns 10.0.0.53 --dns-search example.com --dns-option ndots:1"
        " --user 7 --group-add audio"
    )


@pytest.mark.parametrize("mount", [{"Tmpfs": {"/tmp": ""}}, {"Mounts": [{"Type": "tmpfs", "Target": "/tmp"}]}])
def test_its_own_tmp_is_enough(mount: dict[str, Any]) -> None:
    copied = copy_container(container({}, {"ReadonlyRootfs": True, **mount}), IMAGE)
    assert shlex.join(copied.options).count("/tmp") == 1


@pytest.mark.parametrize("mode", ["host", "none", "container:abc"])
def test_no_network_beside_these(mode: str) -> None:
    copied = copy_container(container({}, {"NetworkMode": mode}), IMAGE)
    assert (copied.options[:2], copied.networks) == (("--network", mode), ())


def test_an_image_that_has_gone_leaves_all_variables_but_the_path() -> None:
    copied = copy_container(container({"Env": ["PATH=/bin", "LANG=C"]}, {"NetworkMode": "default"}), None)
    assert (copied.variables, copied.options[:2]) == ({"LANG": "C"}, ("--network", "bridge"))


def test_a_service() -> None:
    file = {"Name": "url", "UID": "0", "GID": "7", "Mode": 0o400}
    copied = copy_service(
        service(
            {"Networks": [{"Target": "n1", "Aliases": ["shop"]}], "Placement": {"Constraints": ["node.role==manager"]}},
            Env=["A=b=c"],
            Secrets=[{"File": file, "SecretID": "s1", "SecretName": "shop_url"}],
            Configs=[{"File": {**file, "Mode": 0}, "ConfigName": "conf"}, {"Runtime": {}, "ConfigName": "spec"}],
            Mounts=[
                {"Type": "bind", "Source": "/srv", "Target": "/srv", "ReadOnly": True},
                {
                    "Type": "volume",
                    "Source": "data",
                    "Target": "/data",
                    "VolumeOptions": {"NoCopy": True, "DriverConfig": {"Name": "local", "Options": {"o": "a,b"}}},
                },
            ],
            ReadOnly=True,
            User="7",
            Groups=["8"],
            Hosts=["10.0.0.1 db database"],
            DNSConfig={"Nameservers": ["10.0.0.53"], "Search": ["example.com"], "Options": ["ndots:1"]},
        )
    )
    assert copied.variables == {"A": "b=c"}
    assert shlex.join(copied.options) == (
        "--network n1 --secret source=shop_url,target=url,uid=0,gid=7,mode=0400"
        " --config source=conf,target=url,uid=0,gid=7,mode=00"
        " --mount type=bind,source=/srv,target=/srv,readonly"
        """ --mount 'type=volume,source=data,target=/data,volume-nocopy,volume-driver=local,"volume-opt=o=a,b"'"""
        " --mount type=tmpfs,target=/tmp --read-only --host db:10.0.0.1 --host database:10.0.0.1"
        " --dns 10.0.0.53 --dns-search example.com --dns-option ndots:1"
        " --user 7 --group 8 --constraint node.role==manager"
    )


def test_a_service_with_nothing() -> None:
    assert copy_service(service({})) == CopiedOptions({}, ())


# Go's encoding/csv, which docker reads it with, makes a line feed of CR LF; no path has them.
@given(st.lists(st.text(st.characters(exclude_characters="\0\r"), min_size=1), min_size=1, max_size=4))
def test_any_path_survives_dockers_csv(paths: list[str]) -> None:
    for path in paths:
        copied = copy_service(service({}, Mounts=[{"Type": "bind", "Source": path, "Target": f"/{path}"}]))
        [fields] = csv.reader([copied.options[1]], strict=True)
        assert fields == ["type=bind", f"source={path}", f"target=/{path}"]
