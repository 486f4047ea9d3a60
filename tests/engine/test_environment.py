"""The environment contract on a real engine: what is missing is told before a container starts, values arrive whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relbuild import templates

SHOP = Path(__file__).parents[2] / "examples" / "shop"
URL = "postgres://u:p@nowhere.invalid/shop"

# conftest.py's Docker and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def shop(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return an image of examples/shop."""
    reference = cleanup.image(f"relbuild-test-environment:{run_id}")
    built = relbuild("image", "-C", str(SHOP), "-t", reference)
    assert built.exit_code == 0, built.stderr
    return str(reference)


def test_an_image_says_what_its_project_says(shop: str, relbuild: Callable[..., Ran], tmp_path: Path) -> None:
    of_image = json.loads(relbuild("env", shop, "--json", cwd=tmp_path).stdout)
    of_project = json.loads(relbuild("env", "-C", str(SHOP), "--json").stdout)
    assert of_image["data"] == of_project["data"]
    assert [each["name"] for each in of_image["data"]["variables"]] == ["DATABASE_URL", "POOL_SIZE", "PORT"]
    (tmp_path / ".env").write_text("DATABASE_URL=\nPORT=1\n")
    assert relbuild("env", shop, "--check", ".env", cwd=tmp_path).exit_code == 0


@pytest.mark.parametrize("verb", [("run",), ("migrate",), ("eval", "1")], ids=lambda verb: verb[0])
def test_what_is_missing_is_told_before_anything_starts(
    shop: str, verb: tuple[str, ...], relbuild: Callable[..., Ran], tmp_path: Path
) -> None:
    where = ("--on", f"image:{shop}") if verb[0] == "eval" else (shop,)
    ran = relbuild(*verb, *where, "-v", cwd=tmp_path)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "error: DATABASE_URL is not set (config/runtime.exs:7)\n" in ran.stderr
    assert "docker run" not in ran.stderr


def test_the_check_can_be_gone_past(shop: str, relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("eval", "1", "--on", f"image:{shop}", "--no-env-check")
    assert ran.exit_code == 1
    assert "could not fetch environment variable" in ran.stderr


def test_values_arrive_as_the_env_file_has_them(shop: str, relbuild: Callable[..., Ran], tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(
        b"\xef\xbb\xbf# from Windows\r\n"
        b"export DATABASE_URL='" + URL.encode() + b"'\r\n"
        b'KEY="-----BEGIN KEY-----\r\na+b/c=\r\n-----END KEY-----\r\n"\r\n'
        b'JSON="{\\"a\\": \\"$b\\"}" # inside double quotes\r\n'
        b'PLAIN=it\'s "so" $HOME \\n # no more\r\n'
        b"EMPTY=\r\n"
    )
    expression = "for n <- ~w(DATABASE_URL KEY JSON PLAIN EMPTY OWN), do: IO.inspect(System.get_env(n))"
    given = ("--env-file", str(file), "--env", "OWN")
    own = "two\nlines 'and' \"é\""
    ran = relbuild("eval", expression, "--on", f"image:{shop}", *given, "-v", env={"OWN": own})
    assert ran.exit_code == 0, ran.stderr
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        URL,
        "-----BEGIN KEY-----\na+b/c=\n-----END KEY-----\n",
        '{"a": "$b"}',
        'it\'s "so" $HOME \\n',
        "",
        own,
    ]
    assert "BEGIN KEY" not in ran.stderr
    assert "u:p@" not in ran.stderr


def test_what_docker_itself_heeds_reaches_the_container_alone(shop: str, relbuild: Callable[..., Ran]) -> None:
    given = ("--env", f"DATABASE_URL={URL}", "--env", "DOCKER_HOST=tcp://nowhere.invalid:1")
    ran = relbuild("eval", 'IO.puts(System.get_env("DOCKER_HOST"))', "--on", f"image:{shop}", *given)
    assert (ran.exit_code, ran.stdout) == (0, "tcp://nowhere.invalid:1\n"), ran.stderr


def test_a_label_arrives_as_it_was_written(docker: Docker, cleanup: Any, labels: tuple[str, ...], run_id: str) -> None:
    texts = [
        "$HOME ${X} \\$",
        '"',
        "\\",
        "a\\nb",
        "#",
        "},{",
        "é商",
        "`x`",
        "<<EOF",
        "\t",
        "x" * 60_000,
        "# },{ #",
    ]
    values = [
        "plain",
        *texts[:5],
        json.dumps({"a": [{"b": text} for text in texts]}, ensure_ascii=False, separators=(",", ":")),
        json.dumps({"a": [[{"#": 1}, {"#": 2}]]}, separators=(",", ":")),
    ]
    lines = " \\\n  ".join(f"n{i}={templates.label(value)}" for i, value in enumerate(values))
    reference = cleanup.image(f"relbuild-test-labels:{run_id}")
    docker("build", "--quiet", "--tag", reference, *labels, "-", stdin=f"FROM scratch\nLABEL {lines}\n")
    found = json.loads(docker("image", "inspect", reference))[0]["Config"]["Labels"]
    assert [found[f"n{i}"] for i in range(len(values))] == values
