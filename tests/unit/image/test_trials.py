"""The containers that try a release out, and finding the release."""

from __future__ import annotations

import shlex

from relbuild.endpoint import Endpoint
from relbuild.image import shipped
from relbuild.image.filesystem import Entry, FileSystem
from relbuild.image.shipped import Shipped
from relbuild.image.trials import SAY_BOOTED, Containers, Foreign, Ran, parted
from relbuild.release.target import Surroundings

FILE = Entry("file", 1)


def test_the_commands() -> None:
    containers = Containers("sha256:1", Shipped("shop", "/app", "1.0"), "verify-1")
    run = "--label io.relbuild.one-off= --read-only --tmpfs /tmp --network none --env ERL_CRASH_DUMP_SECONDS=0 "
    assert [shlex.join(argv) for argv in containers.all({"ERL_AFLAGS": "+Q 65536"}, 30)] == [
        f"docker run --rm --name verify-1-commands {run}--entrypoint sh sha256:1 -c "
        """'exec 2>&1; "$0" version; echo "relbuild_version_ended=$?"; exec "$0" eval "$1"' """
        "/app/bin/shop 'IO.puts(:relbuild_evaluates)'",
        f"docker run --rm --name verify-1-boot {run}"
        "--env 'ERL_AFLAGS=+Q 65536 -eval [spawn(fun()->(fun(F)->F(F)end)(fun(F)->("
        "case(proplists:get_value(starting,application_controller:info()))of[]->"
        "catch([sys:replace_state(P,fun({state,user_sup,A,B,C})->{state,erl_signal_handler,A,B,C};(S)->(S)end)"
        "||{user,P,_,_}<-supervisor:which_children(kernel_sup)]),erlang:display(relbuild_has_booted);"
        "_->timer:sleep(9),F(F)end)end)end)||"
        "os:getenv([82,69,76,69,65,83,69,95,67,79,77,77,65,78,68])=/=[101,118,97,108]]' sha256:1",
        "docker stop -t 30 verify-1-boot",
    ]
    assert shlex.join(containers.bare) == (
        f"docker run --rm --name verify-1-bare {run}--entrypoint sh sha256:1 -c "
        """'echo "[]." >/tmp/bare.config && RELEASE_SYS_CONFIG=/tmp/bare exec "$0" eval "$1"' """
        "/app/bin/shop 'IO.puts(:relbuild_evaluates)'"
    )
    assert shlex.join(containers.remove("boot", "bare")) == "docker rm --force verify-1-boot verify-1-bare"


def test_a_platform_that_is_not_the_engines_own() -> None:
    foreign = Foreign("linux/arm64", "+JMsingle true")
    containers = Containers("i", Shipped("a", "/app", "1"), "v", foreign=foreign)
    assert shlex.join(containers.boot({})) == (
        "docker run --rm --platform linux/arm64 --env 'ERL_ZFLAGS=+JMsingle true' --name v-boot "
        "--label io.relbuild.one-off= --read-only --tmpfs /tmp --network none --env ERL_CRASH_DUMP_SECONDS=0 "
        f"--env 'ERL_AFLAGS=-eval {SAY_BOOTED}' i"
    )
    containers = Containers("i", Shipped("a", "/app", "1"), "v", foreign=Foreign("linux/riscv64"))
    assert containers.boot({})[:6] == ("docker", "run", "--rm", "--platform", "linux/riscv64", "--name")


def test_what_a_release_is_given() -> None:
    containers = Containers(
        "i", Shipped("a", "/srv/a", "1"), "v", surroundings=Surroundings(("URL",), "backend"), endpoint=Endpoint("ci")
    )
    assert shlex.join(containers.boot({})) == (
        "docker --context ci run --rm --name v-boot --label io.relbuild.one-off= --read-only --tmpfs /tmp "
        "--env URL --network backend --env ERL_CRASH_DUMP_SECONDS=0 "
        f"--env 'ERL_AFLAGS=-eval {SAY_BOOTED}' i"
    )


def test_what_came_of_version_and_of_eval() -> None:
    both = Ran(1, "shop 1.0\nrelbuild_version_ended=0\n** (RuntimeError) no\n")
    assert parted(both) == (Ran(0, "shop 1.0\n"), Ran(1, "** (RuntimeError) no\n"))
    without_a_shell = Ran(127, 'exec: "sh": executable file not found in $PATH\n')
    assert parted(without_a_shell) == (without_a_shell, without_a_shell)
    killed = Ran(137, "shop 1.0\nrelbuild_version_ended=")
    assert parted(killed) == (killed, killed)


def release(root: str, name: str, version: str = "1.0") -> dict[str, str]:
    root = root.strip("/") + "/" if root.strip("/") else ""
    return {
        f"{root}releases/start_erl.data": f"15.2 {version}",
        f"{root}releases/{version}/{name}.rel": "{release, ...}.",
        f"{root}releases/{version}/start.boot": "",
        f"{root}bin/{name}": "#!/bin/sh",
    }


def find(texts: dict[str, str], **label: str) -> Shipped | None:
    files = FileSystem([dict.fromkeys(texts, FILE)])
    labels = {f"io.relbuild.{name}": value for name, value in label.items()}
    return shipped.find(files, lambda path: texts[path].encode() if path in texts else None, labels)


def test_a_release_is_found_by_its_files() -> None:
    assert find({"etc/passwd": "", **release("/app", "shop")}) == Shipped("shop", "/app", "1.0")
    assert find(release("/", "shop", "0.1.0-rc.1")) == Shipped("shop", "/", "0.1.0-rc.1")


def test_of_several_the_labelled_one() -> None:
    both = {**release("/a", "one"), **release("/b", "two")}
    assert find(both) == Shipped("one", "/a", "1.0")
    assert find(both, release="two", root="/b") == Shipped("two", "/b", "1.0")


def test_what_is_no_release() -> None:
    assert find({"etc/passwd": ""}) is None
    assert find({"app/releases/start_erl.data": "15.2 1.0"}) is None
    assert find({"app/releases/start_erl.data": "garbage"}) is None
    without_script = release("/app", "shop")
    del without_script["app/bin/shop"]
    assert find(without_script) is None
