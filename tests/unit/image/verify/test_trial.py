"""The commands of a trial, and what its watching prints."""

from __future__ import annotations

import shlex

from relbuild.endpoint import Endpoint
from relbuild.image.verify.trial import Foreign, Socket, TrialContainer, watched
from relbuild.release.place import RunOptions

FLAGS = (
    """-eval '[spawn(fun Wait()->case proplists:get_value(starting,application:info(),[])of"""
    """[]->file:write_file("/tmp/relbuild-booted",[]);_->timer:sleep(20),Wait()end end)"""
    """||os:getenv("RELEASE_COMMAND")=/="eval"]'"""
)
RUN = "docker run --detach --name v --label io.relbuild.one-off= --label io.relbuild.trial "
HOSTS = "--hostname trial --add-host trial:127.0.0.1 --add-host relbuild.invalid:127.0.0.1 "


def started(container: TrialContainer) -> tuple[str, str]:
    """Return the start's command without the VM's flags, and those."""
    words = list(container.start)
    flags = next(word for word in words if word.startswith("ERL_ZFLAGS="))
    words[words.index(flags)] = "ERL_ZFLAGS"
    return shlex.join(words), flags.removeprefix("ERL_ZFLAGS=")


def test_the_commands() -> None:
    container = TrialContainer("sha256:1", "v", stand_ins={"PORT": "4000"})
    first, watch, *rest = container.all(30)
    assert first == container.start
    assert started(container) == (
        f"{RUN}--read-only --tmpfs /tmp --network none {HOSTS}"
        "--env ERL_ZFLAGS --env ERL_CRASH_DUMP_SECONDS=0 --env PORT=4000 sha256:1",
        FLAGS,
    )
    assert (watch[:5], watch[6:]) == (("docker", "exec", "v", "sh", "-c"), ("watch", "/tmp/relbuild-booted", "600"))
    inspect = "docker container inspect --format '{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}' v"
    assert [shlex.join(argv) for argv in rest] == [
        inspect,
        "docker logs v",
        "docker stop -t 30 v",
        inspect,
        "docker rm --force --volumes v",
    ]


def test_flags_of_the_image_and_of_the_user_are_kept() -> None:
    assert started(TrialContainer("i", "v", env={"ERL_ZFLAGS": "+S 2"}))[1] == f"+S 2 {FLAGS}"


def test_a_platform_that_is_not_the_engines_own() -> None:
    container = TrialContainer("i", "v", foreign=Foreign("linux/arm64", "+JMsingle true"))
    command, flags = started(container)
    assert command.startswith(f"{RUN}--platform linux/arm64 --read-only ")
    assert flags == f"+JMsingle true {FLAGS}"
    assert container.watch[-1] == "3000"


def test_what_a_release_is_given() -> None:
    container = TrialContainer("i", "v", options=RunOptions(("URL",), "backend"), endpoint=Endpoint("ci"))
    assert started(container)[0] == (
        "docker --context ci run --detach --name v --label io.relbuild.one-off= --label io.relbuild.trial "
        "--read-only --tmpfs /tmp "
        "--env URL --network backend --env ERL_ZFLAGS --env ERL_CRASH_DUMP_SECONDS=0 i"
    )


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TABLES = (
    f"{HEAD}   0: 00000000:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 78181 1\n"
    "   1: 0100007F:1111 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 78181 1\n"
    "   2: 0100007F:A506 0100007F:1111 01 00000000:00000000 00:00000000 00000000 10001 0 78182 2\n"
    f"{HEAD}   0: 00000000000000000000000000000000:0FA0 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
    "   1: 00000000000000000000000001000000:0FA1 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
    "   2: 0000000000000000FFFF00000100007F:0FA2 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
)


def test_what_the_watch_prints() -> None:
    state, sockets = watched(f"booted\n{TABLES}")
    assert state == "booted"
    assert [(each.address, each.port, each.loopback) for each in sockets] == [
        ("0.0.0.0", 4000, False),
        ("127.0.0.1", 4369, True),
        ("::", 4000, False),
        ("::1", 4001, True),
        ("127.0.0.1", 4002, True),
    ]
    assert watched("slow\n") == ("slow", ())
    assert watched('OCI runtime exec failed: exec: "sh": not found\n') == (None, ())
    assert watched("") == (None, ())


def test_a_socket_of_each_kind() -> None:
    assert not Socket("0.0.0.0", 1).loopback
