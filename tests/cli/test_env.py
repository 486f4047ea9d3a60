"""relbuild env on a project: what it shows, what an env file lacks, and the example it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0"]
end
"""
RUNTIME = '''import Config

config :shop,
  url:
    System.get_env("DATABASE_URL") ||
      raise("""
      DATABASE_URL is missing.
      For example: ecto://USER:PASS@HOST/shop
      """),
  secret: System.fetch_env!("SECRET_KEY_BASE"),
  port: String.to_integer(System.get_env("PORT", "4000")),
  salt: System.get_env("SALT", "changeme"),
  host: System.get_env("HOST", "#{node()}.local")

if System.get_env("SMTP_HOST") do
  config :shop, password: System.fetch_env!("SMTP_PASSWORD")
end
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "config").mkdir(parents=True)
    (root / "mix.exs").write_text(MIX)
    (root / "config" / "runtime.exs").write_text(RUNTIME)
    return root


def relbuild(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run((sys.executable, "-m", "relbuild", *argv), cwd=cwd, capture_output=True, text=True)


def test_it_shows_what_is_needed_and_when(project: Path) -> None:
    ran = relbuild("env", cwd=project)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        "required\n"
        "  DATABASE_URL     config/runtime.exs:6   DATABASE_URL is missing.\n"
        "  SECRET_KEY_BASE  config/runtime.exs:10\n"
        "\n"
        "required under a condition\n"
        "  SMTP_PASSWORD    config/runtime.exs:16  when SMTP_HOST is set\n"
        "\n"
        "optional\n"
        '  HOST             config/runtime.exs:13  default: "#{node()}.local"\n'
        "  PORT             config/runtime.exs:11  4000\n"
        "  SALT             config/runtime.exs:12\n"
        "  SMTP_HOST        config/runtime.exs:15\n"
    )


def test_its_json_is_what_plan_says(project: Path) -> None:
    shown = json.loads(relbuild("env", "--json", cwd=project).stdout)["data"]
    assert shown == json.loads(relbuild("plan", "--json", cwd=project).stdout)["data"]["environment"]
    assert [(each["name"], each["kind"]) for each in shown["variables"]] == [
        ("DATABASE_URL", "required"),
        ("SECRET_KEY_BASE", "required"),
        ("SMTP_PASSWORD", "conditional"),
        ("HOST", "optional"),
        ("PORT", "optional"),
        ("SALT", "optional"),
        ("SMTP_HOST", "optional"),
    ]
    assert "changeme" not in json.dumps(shown)
    text = relbuild("plan", cwd=project).stdout
    assert [line.strip() for line in text.splitlines()[4:7]] == [
        "env         DATABASE_URL  (config/runtime.exs:6)",
        "SECRET_KEY_BASE  (config/runtime.exs:10)",
        "1 conditional, 4 optional: relbuild env shows them",
    ]


def test_all_that_is_missing_is_named_at_once(project: Path) -> None:
    (project / ".env").write_text("# mine\nSMTP_HOST=mail\nSECRET_KEY_BSE='x'\nexport PORT=1\r\n")
    ran = relbuild("env", "--check", ".env", cwd=project)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines() == [
        "warning: .env:3:1: the release doesn't read SECRET_KEY_BSE; did you mean SECRET_KEY_BASE?",
        "error: .env:1:1: DATABASE_URL is not set (config/runtime.exs:6)",
        "  DATABASE_URL is missing.",
        "  For example: ecto://USER:PASS@HOST/shop",
        "error: .env:1:1: SECRET_KEY_BASE is not set (config/runtime.exs:10)",
        "  add it to .env",
        "error: .env:1:1: SMTP_PASSWORD is not set; it is needed when SMTP_HOST is set (config/runtime.exs:16)",
        "  add it to .env",
    ]


def test_a_file_that_has_it_all(project: Path) -> None:
    (project / ".env").write_text('DATABASE_URL="a\nb"\nSECRET_KEY_BASE=x\n')
    ran = relbuild("env", "--check", ".env", cwd=project)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, ".env has all that is required (2)\n", "")


def test_a_check_names_what_it_could_not_check(project: Path) -> None:
    (project / "config" / "runtime.exs").write_text(
        'import Config\nif File.exists?("/etc/a"), do: System.fetch_env!("A")\n'
        'System.fetch_env!("B_#{node()}")\nSystem.fetch_env!("C")\n'
    )
    (project / ".env").write_text("C=1\n")
    ran = relbuild("env", "--check", ".env", cwd=project)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        ".env has all that is known to be required (1); possibly more: A (config/runtime.exs:2), the variable named "
        'by `"B_#{node()}"` (config/runtime.exs:3); relbuild env says why\n'
    )
    checked = json.loads(relbuild("env", "--check", ".env", "--json", cwd=project).stdout)["data"]
    more = {
        "what": 'the variable named by `"B_#{node()}"`',
        "reason": "its name is computed",
        "at": "config/runtime.exs:3",
    }
    assert checked == {"file": ".env", "required": 1, "undecided": ["A"], "possibly_more": [more]}
    (project / ".env").write_text("A=1\nC=1\n")
    assert "A (" not in relbuild("env", "--check", ".env", cwd=project).stdout


def test_a_file_that_is_faulty_is_told_at_its_place(project: Path) -> None:
    (project / ".env").write_text("A B=1\nC='\n")
    ran = relbuild("env", "--check", ".env", "--json", cwd=project)
    assert ran.returncode == 2
    found = [(each["message"], each["line"], each["column"]) for each in json.loads(ran.stdout)["errors"]]
    assert found == [("'A B' is no name", 1, 1), ("the value's ' has no closing one", 2, 3)]


def test_the_example_names_every_variable(project: Path) -> None:
    written = relbuild("env", "--example", "-o", ".env.example", cwd=project)
    assert (written.returncode, written.stdout) == (0, "wrote .env.example\n")
    text = (project / ".env.example").read_text()
    assert relbuild("env", "--example", cwd=project).stdout == text
    assert text == (
        "# Required (config/runtime.exs:6)\n"
        "# DATABASE_URL is missing.\n"
        "# For example: ecto://USER:PASS@HOST/shop\n"
        "DATABASE_URL=\n"
        "\n"
        "# Required (config/runtime.exs:10)\n"
        "SECRET_KEY_BASE=\n"
        "\n"
        "# Required when SMTP_HOST is set (config/runtime.exs:16)\n"
        "#SMTP_PASSWORD=\n"
        "\n"
        '# Optional; default: "#{node()}.local" (config/runtime.exs:13)\n'
        "#HOST=\n"
        "\n"
        "# Optional (config/runtime.exs:11)\n"
        "#PORT=4000\n"
        "\n"
        "# Optional (config/runtime.exs:12)\n"
        "#SALT=\n"
        "\n"
        "# Optional (config/runtime.exs:15)\n"
        "#SMTP_HOST=\n"
    )
    filled = text.replace("DATABASE_URL=\n", "DATABASE_URL=x\n").replace("BASE=\n", "BASE=x\n")
    (project / ".env").write_text(filled)
    assert relbuild("env", "--check", ".env", cwd=project).returncode == 0


def test_an_example_is_never_written_over_a_file(project: Path) -> None:
    (project / ".env.example").write_text("mine\n")
    ran = relbuild("env", "-o", ".env.example", cwd=project)
    assert (ran.returncode, (project / ".env.example").read_text()) == (2, "mine\n")
    assert ran.stderr.startswith("error: .env.example is there already\n")


def test_possibly_more_is_shown(project: Path) -> None:
    (project / "config" / "runtime.exs").write_text('System.get_env("A_#{node()}")\n')
    ran = relbuild("env", cwd=project)
    expected = 'the variable named by `"A_#{node()}"`: its name is computed (config/runtime.exs:1)'
    assert ran.stdout == f"no environment variable is known to be read; possibly more\n  {expected}\n"
    assert expected in relbuild("plan", cwd=project).stdout


def test_what_the_build_reads_is_said(project: Path) -> None:
    (project / "config" / "config.exs").write_text('import Config\nconfig :shop, a: System.fetch_env!("A")\n')
    ran = relbuild("env", cwd=project)
    assert ran.stdout.startswith("required\n  DATABASE_URL ")
    assert ran.stderr.startswith(
        "warning: A (config/config.exs:2): needed when the image is built, which fails without;"
    )


def test_nothing_is_read(project: Path) -> None:
    (project / "config" / "runtime.exs").unlink()
    assert relbuild("env", cwd=project).stdout == "no environment variable is read\n"


def test_no_image_is_asked_for(project: Path) -> None:
    (project / ".tool-versions").write_text("elixir 1.18.4\nerlang 23.3.4.1\n")
    assert relbuild("plan", cwd=project).returncode == 3
    ran = relbuild("env", "--check", "/dev/null", cwd=project)
    assert (ran.returncode, ran.stderr.count("SECRET_KEY_BASE")) == (1, 1)
    assert relbuild("env", cwd=project).returncode == 0


def test_check_and_example_exclude_each_other(project: Path) -> None:
    assert relbuild("env", "--check", ".env", "--example", cwd=project).returncode == 2


def test_of_several_releases_the_named_one(project: Path) -> None:
    several = """app: :shop, version: "1.0.0", releases: [
      web: [], worker: [runtime_config_path: "config/worker.exs"]
    ]"""
    (project / "mix.exs").write_text(MIX.replace('app: :shop, version: "1.0.0"', several))
    (project / "config" / "worker.exs").write_text(
        'import Config\nconfig :shop, queue: System.fetch_env!("QUEUE_URL")\n'
    )
    ran = relbuild("env", cwd=project)
    assert ran.returncode == 3
    assert "--release NAME" in ran.stderr
    worker = relbuild("env", "--release", "worker", "--json", cwd=project)
    assert [each["name"] for each in json.loads(worker.stdout)["data"]["variables"]] == ["QUEUE_URL"]
    assert "DATABASE_URL" in relbuild("env", "--release", "web", "--example", cwd=project).stdout
    (project / ".env").write_text("QUEUE_URL=amqp://queue\n")
    assert relbuild("env", "--release", "worker", "--check", ".env", cwd=project).returncode == 0
    assert relbuild("env", "--release", "web", "--check", ".env", cwd=project).returncode == 1


@pytest.mark.parametrize("verb", ["env", "plan", "dockerfile", "doctor", "verify", "inspect", "sbom", "ps", "logs"])
def test_every_verb_that_reads_the_project_takes_a_release(verb: str, tmp_path: Path) -> None:
    assert "--release" in relbuild(verb, "--help", cwd=tmp_path).stdout
