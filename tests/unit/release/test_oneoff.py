"""A one-off container and a Swarm job as argvs, and the names that are their locks."""

from __future__ import annotations

import re
import shlex

from hypothesis import given
from hypothesis import strategies as st

from relbuild.endpoint import Endpoint
from relbuild.release.oneoff import MAX_NAME, Job, OneOff, lock_name

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
    assert [shlex.join(argv) for argv in (one_off.create(), *one_off.connect(), one_off.start())] == [
        "docker --context prod create --name relbuild-migrate-web --no-healthcheck --label by=me@here --label one-off="
        " --network web --env DATABASE_URL --entrypoint /app/bin/shop shop:1.0 eval 'A.b()'",
        "docker --context prod network connect backend relbuild-migrate-web",
        "docker --context prod start --attach relbuild-migrate-web",
    ]
    assert shlex.join(one_off.remove("c0ffee")) == "docker --context prod rm --force --volumes c0ffee"
    assert shlex.join(one_off.logs()) == "docker --context prod logs relbuild-migrate-web"


def test_a_job() -> None:
    job = Job(**GIVEN)  # type: ignore[arg-type]
    assert shlex.join(job.create()) == (
        "docker --context prod service create --detach --quiet --with-registry-auth --mode replicated-job"
        " --restart-condition none --container-label one-off= --name relbuild-migrate-web --no-healthcheck"
        " --label by=me@here --network web --env DATABASE_URL --entrypoint /app/bin/shop shop:1.0 eval 'A.b()'"
    )
    assert shlex.join(job.remove("s1")) == "docker --context prod service rm s1"
    assert shlex.join(job.logs()) == "docker --context prod service logs --raw relbuild-migrate-web"


def test_a_plain_name_is_kept() -> None:
    assert lock_name("migrate", "shop_web-1") == "relbuild-migrate-shop_web-1"


@given(st.text(min_size=1, max_size=90), st.text(min_size=1, max_size=90))
def test_every_target_has_a_name_of_its_own_that_docker_takes(one: str, other: str) -> None:
    names = [lock_name("migrate", target) for target in (one, other)]
    for name in names:
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", name)
        assert len(name) <= MAX_NAME
    assert (names[0] == names[1]) == (one == other)
