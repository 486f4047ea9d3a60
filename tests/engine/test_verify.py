"""relbuild verify, and relbuild image before it tags, on a real engine."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SHOP = REPOSITORY / "examples" / "shop"

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def shop(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return the image of examples/shop; that it was tagged says that it was verified."""
    reference = cleanup.image(f"relbuild-test-verified:{run_id}")
    built = relbuild("image", "-C", str(SHOP), "-t", reference)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
    return str(reference)


@pytest.fixture
def made(docker: Docker, labels: tuple[str, ...], cleanup: Any, run_id: str, tmp_path: Path) -> Callable[[str], str]:
    """Return a function that builds an image of a Dockerfile's text."""

    def build(dockerfile: str) -> str:
        reference = cleanup.image(f"relbuild-test-made-{tmp_path.name.lower().replace('_', '-')[:40]}:{run_id}")
        docker("build", "--quiet", "--tag", reference, *labels, "-", stdin=dockerfile)
        return str(reference)

    return build


def findings(ran: Ran) -> list[tuple[str, str, str]]:
    """Return the findings as (check, status, message), without the image's size."""
    found = json.loads(ran.stdout)["data"]["findings"]
    return [(each["check"], each["status"], each["message"]) for each in found if each["check"] != "size"]


def test_an_image_that_is_well(shop: str, relbuild: Callable[..., Ran], docker: Docker) -> None:
    verified = relbuild("verify", shop, "--json", "--verbose")
    assert verified.exit_code == 0, verified.stderr
    libraries, user, boot, *log, port, secrets = findings(verified)
    assert libraries[:2] == ("libraries", "ok")
    assert int(libraries[2].split()[0]) > 20
    assert user == ("user", "ok", "it runs as 10001:10001")
    assert boot[:2] == ("boot", "ok")
    assert boot[2].startswith(
        "it boots on a read-only root with stand-in values for DATABASE_URL; SIGTERM stops it in "
    )
    # Its pool goes on trying to reach a database that the trial doesn't have.
    assert {each[:2] for each in log} <= {("log", "note")}
    assert port == ("port", "ok", "it listens on port 4000")
    assert secrets[:2] == ("secrets", "ok")
    [tried] = set(re.findall(r"--name (relbuild-verify-\S+)", verified.stderr))
    assert tried not in docker("ps", "--all", "--format", "{{.Names}}").split()


def test_a_nif_whose_library_the_runner_lacks(
    tmp_path: Path, relbuild: Callable[..., Ran], docker: Docker, cleanup: Any, run_id: str
) -> None:
    project = Path(shutil.copytree(SHOP, tmp_path / "shop"))
    config = project / "relbuild.yml"
    config.write_text(config.read_text().replace("packages: [libexpat1]", "packages: []"))
    reference = cleanup.image(f"relbuild-test-lacking:{run_id}")
    failed = relbuild("image", "-C", str(project), "-t", reference, "--json")
    assert failed.exit_code == 1
    # What the driver needs is missed when the release boots, too.
    error, *boots = json.loads(failed.stdout)["errors"]
    assert all(each["message"].startswith("the image wasn't tagged: boot: it doesn't boot: ") for each in boots)
    assert error["message"].startswith("the image wasn't tagged: libraries: /app/lib/fast_xml-")
    assert error["message"].endswith("/priv/lib/fxml_stream.so needs libexpat.so.1, which the image doesn't have")
    assert error["hint"] == "add to relbuild.yml: runner: {packages: [libexpat1]}"
    assert docker("image", "ls", "--quiet", reference) == ""
    assert relbuild("image", "-C", str(project), "-t", reference, "--no-verify").exit_code == 0
    assert docker("image", "ls", "--quiet", reference) != ""


def test_what_was_verified_is_not_verified_again(shop: str, relbuild: Callable[..., Ran]) -> None:
    again = relbuild("image", "-C", str(SHOP), "-t", shop, "-v")
    assert again.exit_code == 0, again.stderr
    assert "docker run" not in again.stderr


def test_all_that_must_not_be_in_an_image(
    shop: str, made: Callable[[str], str], relbuild: Callable[..., Ran], tmp_path: Path, run_id: str
) -> None:
    """What a later layer deletes is shipped all the same. The secret is known from the project's relbuild.yml."""
    secret = f"s3cret-{run_id}"
    key = "-----BEGIN PRIVATE KEY-----\\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 2 + "\\n-----END PRIVATE KEY-----\\n"
    image = made(
        f"FROM {shop}\nUSER root\nENV SECRET_KEY_BASE=abcdefgh\n"
        "RUN printf cookie > /app/releases/COOKIE && printf A=b > /app/.env"
        f" && echo '{key}' > /root/id && printf 'token: {secret}' > /root/token\n"
        "RUN rm /root/id /root/token\n"
    )
    project = Path(shutil.copytree(SHOP, tmp_path / "shop"))
    config = project / "relbuild.yml"
    config.write_text(config.read_text().replace("builder:", "builder:\n  secrets: [SHOP_TEST_KEY]", 1))
    verified = relbuild("verify", image, "-C", str(project), "--json", env={"SHOP_TEST_KEY": secret})
    assert (verified.exit_code, secret in verified.stdout + verified.stderr) == (1, False)
    deleted = "(deleted in a later layer, but still shipped)"
    assert {each for each in findings(verified) if each[1] == "failed"} == {
        ("user", "failed", "it runs as root"),
        (
            "secrets",
            "failed",
            "environment: SECRET_KEY_BASE is named like a secret, and everyone who has the image can read it",
        ),
        ("secrets", "failed", "/app/releases/COOKIE: whoever has the image has the cookie of its nodes"),
        ("secrets", "failed", "/app/.env is a file of variables"),
        ("secrets", "failed", f"/root/id {deleted} holds a private key"),
        ("secrets", "failed", f"/root/token {deleted} holds the value of the build's secret SHOP_TEST_KEY"),
        # What the shell's command says stands in the history too.
        ("secrets", "failed", "history holds the value of the build's secret SHOP_TEST_KEY"),
    }


def test_a_release_that_ignores_sigterm(shop: str, made: Callable[[str], str], relbuild: Callable[..., Ran]) -> None:
    """A shell that is the container's first process, and waits for its child, gets the signal and does nothing."""
    image = made(f'FROM {shop}\nENTRYPOINT ["sh", "-c", "/app/bin/shop start; true"]\n')
    verified = relbuild("verify", image, "--stop-timeout", "2", "--json")
    assert verified.exit_code == 1
    assert ("boot", "failed", "SIGTERM doesn't stop it within 2 s: it had to be killed") in findings(verified)


def test_an_image_that_docker_can_not_start(
    shop: str, made: Callable[[str], str], relbuild: Callable[..., Ran]
) -> None:
    image = made(f'FROM {shop}\nENTRYPOINT ["/nonexistent"]\n')
    verified = relbuild("verify", image, "--json")
    assert verified.exit_code == 1
    [message] = [message for check, status, message in findings(verified) if (check, status) == ("boot", "failed")]
    assert message.startswith('it can\'t be started: docker: exec: "/nonexistent": ')


def test_a_start_that_writes_to_the_root(shop: str, made: Callable[[str], str], relbuild: Callable[..., Ran]) -> None:
    image = made(f'FROM {shop}\nENTRYPOINT ["sh", "-c", "echo 1 >/app/pid && exec /app/bin/shop start"]\n')
    verified = relbuild("verify", image, "--json")
    assert verified.exit_code == 1
    [message] = [message for check, status, message in findings(verified) if (check, status) == ("boot", "failed")]
    assert re.fullmatch(r"it doesn't boot: .*/app/pid: Read-only file system", message)


def test_an_image_of_a_conventional_dockerfile(
    made: Callable[[str], str], relbuild: Callable[..., Ran], docker: Docker, labels: tuple[str, ...], run_id: str
) -> None:
    """One COPY of the whole release, no labels, a user by name, the release's own cookie: as most people have it."""
    mix = "mix new --sup greeter && cd greeter && MIX_ENV=prod mix release --path /release"
    image = made(
        "FROM debian:trixie-slim AS builder\n"
        "RUN apt-get update && apt-get install -y elixir\n"
        f"RUN {mix}\n"
        "FROM debian:trixie-slim\n"
        "RUN apt-get update && apt-get install -y libstdc++6 libtinfo6 libsystemd0 zlib1g\n"
        "WORKDIR /srv\n"
        "COPY --from=builder --chown=nobody:root /release ./\n"
        "USER nobody\n"
        'CMD ["/srv/bin/greeter", "start"]\n'
    )
    verified = relbuild("verify", image, "--json")
    assert verified.exit_code == 0, verified.stdout + verified.stderr
    (libraries, user, boot, cookie) = findings(verified)
    assert libraries[:2] == ("libraries", "ok")
    assert user == ("user", "ok", "it runs as nobody")
    assert boot[:2] == ("boot", "ok")
    assert cookie == (
        "secrets",
        "warning",
        "/srv/releases/COOKIE: whoever has the image has the cookie of its nodes",
    )


def test_an_image_that_holds_no_release(made: Callable[[str], str], relbuild: Callable[..., Ran]) -> None:
    image = made("FROM scratch\nCOPY <<A /bin/busybox\nnothing\nA\n")
    refused = relbuild("verify", image)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"error: {image} holds no release: ")
    assert len(refused.stderr.splitlines()) == 2


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_no_container(
    shop: str, made: Callable[[str], str], docker: Docker, sign: signal.Signals, code: int
) -> None:
    image = made(f'FROM {shop}\nENTRYPOINT ["sleep", "300"]\n')
    built = docker("image", "inspect", "--format", "{{.Id}}", image)
    running = ("ps", "--all", "--quiet", "--filter", f"ancestor={built}", "--filter", "name=relbuild-verify")
    verify = subprocess.Popen(
        (sys.executable, "-m", "relbuild", "verify", image),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not docker(*running) and time.monotonic() < deadline:
        time.sleep(0.1)
    verify.send_signal(sign)
    out, err = verify.communicate(timeout=60)
    assert (verify.returncode, out) == (code, b""), err.decode()
    assert b"Traceback" not in err
    assert docker("ps", "--all", "--quiet", "--filter", f"ancestor={built}") == ""
