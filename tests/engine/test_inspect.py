"""relbuild inspect on images of a real engine."""

from __future__ import annotations

import json
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
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment in which this module's calls keep what they remember."""
    return {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture(scope="module")
def shop(relbuild: Callable[..., Ran], cleanup: Any, run_id: str, cache: dict[str, str]) -> str:
    """Return the image of examples/shop."""
    reference = cleanup.image(f"relbuild-test-inspected:{run_id}")
    built = relbuild("image", "-C", str(SHOP), "-t", reference, "--no-verify", env=cache)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
    return str(reference)


def inspected(ran: Ran) -> Any:
    assert ran.exit_code == 0, ran.stderr
    return json.loads(ran.stdout)["data"]


def test_what_an_image_is_made_of(
    shop: str, relbuild: Callable[..., Ran], docker: Docker, cache: dict[str, str]
) -> None:
    data = inspected(relbuild("inspect", shop, "--json", env=cache))
    [told] = json.loads(docker("image", "inspect", shop))
    assert data["id"] == told["Id"]
    assert [layer["diff_id"] for layer in data["layers"]] == told["RootFS"]["Layers"]
    assert data["labels"] == told["Config"]["Labels"]
    assert data["release"] == {"name": "shop", "version": "0.1.0", "root": "/app"}
    parts = [layer["part"] for layer in data["layers"] if layer["files"]]
    assert list(dict.fromkeys(parts)) == ["base", "system", "otp", "project"]
    assert "COPY /layers/app/ /" in [layer["instruction"] for layer in data["layers"]]
    assert (data["base"]["name"], data["base"]["distribution"]["codename"]) == ("debian:trixie-slim", "trixie")
    own = "Application.spec(:shop, :vsn) |> IO.puts; IO.puts(System.version()); IO.puts(:erlang.system_info(:version))"
    version, elixir, erts = docker("run", "--rm", "--env", "DATABASE_URL=postgres://a:b@c/d", shop, "eval", own).split()
    assert (data["versions"]["elixir"], data["versions"]["erts"]) == (elixir, erts)
    assert data["versions"]["otp"].startswith("27.")
    applications = {each["name"]: each for each in data["applications"]}
    assert (applications["shop"]["version"], applications["shop"]["origin"]) == (version, "project")
    du = docker("run", "--rm", "--entrypoint", "sh", shop, "-c", "cat lib/elixir-*/*/* | wc -c")
    assert (applications["elixir"]["origin"], applications["elixir"]["size"]) == ("elixir", int(du))
    assert [each["name"] for each in data["environment"]["variables"]] == ["DATABASE_URL", "POOL_SIZE", "PORT"]


def test_how_it_was_built_is_known_where_it_was_built(
    shop: str, relbuild: Callable[..., Ran], cache: dict[str, str], tmp_path: Path
) -> None:
    build = inspected(relbuild("inspect", shop, "--json", env=cache))["build"]
    titles = [step["title"] for step in build["steps"]]
    # Which of the stages starts first is the engine's choice.
    stages = {title[1:].partition(" ")[0] for title in titles if "] COPY " in title or "] RUN " in title}
    assert stages >= {"toolchain", "build", "release", "runner"}
    assert all(step["start"] + step["seconds"] <= build["seconds"] + 0.01 for step in build["steps"])
    elsewhere = relbuild("inspect", shop, env={"XDG_CACHE_HOME": str(tmp_path)})
    assert "only the machine that built the image knows how" in elsewhere.stdout


def test_the_page(shop: str, relbuild: Callable[..., Ran], cache: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "shop.html"
    assert relbuild("inspect", shop, "--html", str(page), "--dry-run", env=cache).exit_code == 0
    assert not page.exists()
    written = relbuild("inspect", shop, "--html", str(page), env=cache)
    assert (written.exit_code, written.stdout) == (0, f"{page}\n")
    text = page.read_text()
    assert f"<h1>{shop}</h1>" in text
    assert 'title="/app/lib/shop-0.1.0' in text
    printed = relbuild("inspect", shop, "--html", "/dev/stdout", env=cache)
    assert (printed.exit_code, printed.stdout.rstrip().endswith("</html>")) == (0, True), printed.stdout[-100:]
    refused = relbuild("inspect", shop, "--html", str(tmp_path), env=cache)
    assert (refused.exit_code, "Traceback" in refused.stderr) == (1, False)


def test_the_difference_to_another_image(
    shop: str, relbuild: Callable[..., Ran], docker: Docker, labels: tuple[str, ...], cleanup: Any, run_id: str
) -> None:
    other = cleanup.image(f"relbuild-test-differs:{run_id}")
    dockerfile = (
        f"FROM {shop}\nUSER root\nRUN rm lib/logger-*/ebin/logger.app && echo more >>bin/shop && echo new >new\n"
        'LABEL io.relbuild.environment=\'{"version":1,"variables":[]}\'\n'
    )
    docker("build", "--quiet", "--tag", other, *labels, "-", stdin=dockerfile)
    against = inspected(relbuild("inspect", other, "--against", shop, "--json"))["against"]
    below = json.loads(docker("image", "inspect", shop))[0]["RootFS"]["Layers"]
    assert against["shared_layers"] == list(range(1, len(below) + 1))
    assert {(each["name"], each["change"]) for each in against["files"]["most"]} == {
        ("/app/lib/logger/ebin/logger.app", "removed"),
        ("/app/bin/shop", "changed"),
        ("/app/new", "added"),
    }
    assert [each["name"] for each in against["applications"]] == ["logger"]
    assert {(each["name"], each["change"]) for each in against["environment"]} == {
        (name, "removed") for name in ("DATABASE_URL", "POOL_SIZE", "PORT")
    }
    assert [(each["name"], each["after"]) for each in against["versions"]] == [("user", "root")]


def test_images_that_cannot_be_inspected(
    relbuild: Callable[..., Ran], docker: Docker, labels: tuple[str, ...], cleanup: Any, run_id: str, registry: str
) -> None:
    empty = cleanup.image(f"relbuild-test-no-release:{run_id}")
    docker("build", "--quiet", "--tag", empty, *labels, "-", stdin="FROM scratch\nCOPY <<A /a\nnothing\nA\n")
    nowhere = relbuild("inspect", f"{registry}/relbuild-test-absent:{run_id}")
    assert nowhere.stderr.endswith("\n  is the name right? docker image ls shows the images that are here\n")
    for verb in ("inspect", "sbom"):
        refused = relbuild(verb, empty)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert refused.stderr.startswith(f"error: {empty} holds no release: ")
        absent = relbuild(verb, f"127.0.0.1:1/relbuild-test-absent:{run_id}")
        assert (absent.exit_code, absent.stdout) == (75, "")
        assert absent.stderr.count("connection refused") == 1  # the engine's words, once
        assert absent.stderr.endswith(
            f"error: there is no image 127.0.0.1:1/relbuild-test-absent:{run_id} at the default Docker context, and it "
            "can't be pulled\n  is the name right? docker image ls shows the images that are here; once "
            f"its registry answers: docker pull 127.0.0.1:1/relbuild-test-absent:{run_id}\n"
        )
