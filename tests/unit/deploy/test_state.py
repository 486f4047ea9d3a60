"""The records of a target, its lock, and what an engine says of a new version's health."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from relbuild.deploy.health import Verdict, last_check, of_container, together, usual_cause
from relbuild.deploy.spec import Probe
from relbuild.deploy.state import Holder, Record, age, choose_rollback, in_order, old_images, outdated
from relbuild.errors import UsageError
from relbuild.image.verify.trial import Socket


def record(revision: int, version: str = "", outcome: str = "deployed", image: str = "") -> Record:
    version = version or f"1.{revision}.0"
    return Record(revision, version, image or f"shop:{version}", "2026-01-02T03:04:05+00:00", "ada@ci", outcome=outcome)


RECORDS = in_order([record(1), record(3, outcome="failed"), record(2), record(4)])


def test_a_record_is_one_line_and_keys_of_later_versions_are_ignored() -> None:
    assert "\n" not in record(1).json()
    assert Record.parse(record(1).json()) == record(1)
    assert Record.parse('{"new": 1, ' + record(1).json()[1:]) == record(1)


def test_a_rollback_goes_to_what_served_before() -> None:
    assert choose_rollback(RECORDS, None, 4, "production").revision == 2
    assert choose_rollback(RECORDS, None, 2, "production").revision == 1
    assert choose_rollback(RECORDS, "1.1.0", 4, "production").revision == 1
    assert choose_rollback(RECORDS, "2", 4, "production").revision == 2
    # Nothing runs, as after undeploy: the newest that served comes back.
    assert choose_rollback(RECORDS, None, None, "production").revision == 4


def test_a_rollback_to_the_image_that_runs_changes_nothing_and_is_not_chosen() -> None:
    records = in_order([record(1), record(2, image="shop:x"), record(3, image="shop:x")])
    assert choose_rollback(records, None, 3, "production").revision == 1


@pytest.mark.parametrize(("wanted", "running"), [("9.9.9", 4), ("1.3.0", 4), (None, 1)])
def test_a_rollback_to_what_never_served_is_refused(wanted: str | None, running: int) -> None:
    with pytest.raises(UsageError, match="deployed to production"):
        choose_rollback(RECORDS, wanted, running, "production")


def test_old_images_are_those_that_no_kept_version_has() -> None:
    records = in_order(record(each) for each in range(1, 9))
    assert old_images(records, 5) == ("shop:1.3.0", "shop:1.2.0", "shop:1.1.0")
    assert old_images(RECORDS, 1) == ("shop:1.3.0", "shop:1.2.0", "shop:1.1.0")
    # A rollback to the first one: it serves, so that it stays.
    back = in_order([*records, record(9, "1.1.0")])
    assert "shop:1.1.0" not in old_images(back, 2)


def test_a_history_has_an_end() -> None:
    records = in_order(record(each) for each in range(1, 31))
    assert [each.revision for each in outdated(records)] == [*range(10, 0, -1)]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-01-02T03:04:04+00:00", "1 second"),
        ("2026-01-02T03:01:05+00:00", "3 minutes"),
        ("2026-01-01T03:04:05+00:00", "1 day"),
        ("2026-01-02T05:04:05+00:00", "0 seconds"),
    ],
)
def test_how_long_ago(at: str, text: str) -> None:
    assert age(at, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == text


def test_a_lock_expires_when_its_holder_does_not_renew_it() -> None:
    holder = Holder("ada@ci", "deploying", "2026-01-02T03:00:00+00:00", "1.2.0", "https://ci.example.com/1")
    assert str(holder) == ("ada@ci has been deploying 1.2.0 since 2026-01-02T03:00:00+00:00 (https://ci.example.com/1)")
    there = Holder.parse(holder.json(), "2026-01-02T03:10:00+00:00", "id1")
    assert (there.by, there.id, there.url) == ("ada@ci", "id1", holder.url)
    assert not there.expired(datetime(2026, 1, 2, 3, 11, 30, tzinfo=UTC))
    assert there.expired(datetime(2026, 1, 2, 3, 11, 31, tzinfo=UTC))


def test_a_lock_that_says_nothing_has_a_holder_all_the_same() -> None:
    holder = Holder.parse("{}", "2026-01-02T03:00:00+00:00", "id1")
    assert str(holder) == "somebody has been deploying since 2026-01-02T03:00:00+00:00"


def container(status: str = "running", **state: object) -> dict[str, object]:
    restarts = state.pop("RestartCount", 0)
    return {"RestartCount": restarts, "State": {"Status": status, "Running": status == "running", **state}}


def health(status: str, *outputs: str) -> dict[str, object]:
    return {"Status": status, "Log": [{"Output": output, "ExitCode": 1} for output in outputs]}


@pytest.mark.parametrize(
    ("inspected", "seconds", "verdict"),
    [
        (container(Health=health("starting")), 1.0, Verdict("starting")),
        (container(Health=health("healthy")), 1.0, Verdict("healthy")),
        (container(Health=health("unhealthy", "no\n")), 9.0, Verdict("failed", "its health check fails: no")),
        (container("exited", ExitCode=3), 1.0, Verdict("failed", "it ended with exit code 3")),
        (
            container("restarting", ExitCode=1, RestartCount=2),
            1.0,
            Verdict("failed", "it ended with exit code 1 and was started again 2 times"),
        ),
        (
            container("exited", OOMKilled=True),
            1.0,
            Verdict("failed", "it ran out of memory, and the engine ended it"),
        ),
        (container(), 1.0, Verdict("starting")),
        (container(), 6.0, Verdict("healthy")),
    ],
)
def test_a_container_is_healthy_starts_or_has_failed(
    inspected: dict[str, object], seconds: float, verdict: Verdict
) -> None:
    assert of_container(inspected, seconds) == verdict


def test_all_copies_have_to_be_healthy() -> None:
    good, starting, bad = Verdict("healthy"), Verdict("starting"), Verdict("failed", "why")
    assert together([good, good], 2) == Verdict("healthy")
    assert together([good], 2) == Verdict("starting")
    assert together([good, starting], 2) == Verdict("starting")
    assert together([good, bad], 2) == bad


def test_the_last_check_is_shown_as_one_line() -> None:
    assert last_check({"Log": [{"Output": "a"}, {"Output": "HTTP/1.1 500\r\nx\n"}]}) == "HTTP/1.1 500 x"
    assert last_check({"Log": [{"Output": "", "ExitCode": 7}]}) == "exit code 7"
    assert last_check({"Log": []}) == ""


@pytest.mark.parametrize(
    ("probe", "check", "sockets", "cause"),
    [
        (Probe("http", 4000, "/"), "HTTP/1.1 301 Moved", None, "force_ssl"),
        (Probe("http", 4000, "/up"), "HTTP/1.1 404 Not Found", None, "answers 404 to /up"),
        (Probe("http", 4000, "/"), "refused", (), "nothing listens on any port"),
        (
            Probe("http", 4000, "/"),
            "refused",
            (Socket("0.0.0.0", 5000),),
            "listens on 5000, and the check asks",
        ),
        (Probe("http", 4000, "/"), "", (Socket("127.0.0.1", 4000),), "loopback"),
        (Probe("http", 4000, "/"), "timeout", (Socket("0.0.0.0", 4000),), ""),
        (None, "", (), ""),
    ],
)
def test_the_usual_cause_follows_from_what_was_seen(
    probe: Probe | None, check: str, sockets: tuple[Socket, ...] | None, cause: str
) -> None:
    found = usual_cause(probe, check, (), sockets)
    assert cause in found
    assert bool(found) == bool(cause)
