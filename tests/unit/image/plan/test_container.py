"""What the container of a release must have."""

from __future__ import annotations

import pytest

from relbuild.image.plan.container import InstalledProgram
from relbuild.image.plan.packages import package_table
from relbuild.image.plan.plan import Plan
from tests.unit.image.plan.test_plan import plan

LOCK = '%{\n  "NAME": {:hex, :NAME, "1.0.0", "' + "a" * 64 + '", [:mix], [], "hexpm", "' + "b" * 64 + '"},\n}\n'


def calling(*programs: str, config: str = "", toolchain: str = "toolchain: debian\n") -> Plan:
    calls = ", ".join(f'System.cmd("{name}", [])' for name in programs)
    code = f"defmodule Shop do\n  def run, do: [{calls}]\nend\n"
    return plan({"lib/shop.ex": code}, f"{toolchain}{config}")


def installed(made: Plan) -> list[str]:
    return [f"{each.name}: {each.package}" for each in made.container.programs]


def test_a_program_is_installed_with_its_package() -> None:
    made = calling("jq", "ffprobe", "git")
    assert made.container.programs[0].at.brief == "lib/shop.ex:2"
    assert installed(made) == ["jq: jq", "ffprobe: ffmpeg", "git: git"]
    assert made.runner.asked_packages == ("ffmpeg", "git", "jq")
    assert made.problems == ()


def test_what_the_image_has_is_not_installed() -> None:
    assert installed(calling("tar", "sha256sum", "cat", "epmd", "mix")) == []
    # A minimal image has fewer.
    made = calling("tar", "sha256sum", "cat", "epmd", "mix", config="runner: {base: minimal}\n")
    assert installed(made) == ["tar: tar", "sha256sum: coreutils"]
    assert made.runner.asked_packages == ("coreutils", "tar")


def test_a_large_package_is_not_installed_for_code_that_does_without() -> None:
    code = (
        'defmodule Shop do\n  def run, do: if(System.find_executable("java"), do: System.find_executable("git"))\nend\n'
    )
    made = plan({"lib/shop.ex": code}, "toolchain: debian\n")
    assert installed(made) == ["git: git"]
    assert made.problems == ()
    fix = "runner: {packages: [default-jre-headless]} in relbuild.yml"
    assert f"lib/shop.ex:2: java is called where it is there, and isn't installed; {fix}" in made.notes


def test_a_program_that_nobody_knows() -> None:
    made = calling("fooctl")
    assert [(str(each), each.hint) for each in made.problems] == [
        (
            "lib/shop.ex:2:28: fooctl is called, and neither the image nor a package that relbuild knows has it",
            "runner: {packages: [fooctl]} in relbuild.yml, or whichever Debian package has bin/fooctl",
        )
    ]
    assert calling("fooctl", config="runner: {packages: [foo-tools]}\n").problems == ()
    assert calling("fooctl", config="runner: {base: 'registry/own:1'}\n").problems == ()


def test_a_package_may_be_left_out() -> None:
    made = calling("git", "jq", config="runner: {without: [git]}\n")
    assert (installed(made), made.runner.asked_packages) == (["jq: jq"], ("jq",))


def test_a_program_that_a_debian_release_has_no_more() -> None:
    made = calling("wkhtmltopdf")
    assert [(str(each), each.hint) for each in made.problems] == [
        (
            "lib/shop.ex:2:28: wkhtmltopdf is called, and Debian trixie has no package wkhtmltopdf",
            "debian: bookworm in relbuild.yml (bullseye, bookworm have it), or another program",
        )
    ]
    assert installed(calling("wkhtmltopdf", toolchain="debian: bookworm\n")) == ["wkhtmltopdf: wkhtmltopdf"]


def depending(name: str, files: dict[str, str] | None = None, config: str = "") -> Plan:
    return plan({"mix.lock": LOCK.replace("NAME", name), **(files or {})}, config, deps=f'[{{:{name}, "~> 1.0"}}]')


def test_a_variable_that_a_dependency_needs() -> None:
    made = depending("erlexec")
    assert [(each.name, each.value, each.reason, each.at.brief) for each in made.container.variables] == [
        ("SHELL", "/bin/sh", "erlexec needs it", "mix.lock:2")
    ]
    assert depending("erlexec", config="runner: {env: {SHELL: /bin/bash}}").container.variables == ()
    assert depending("erlexec", {"rel/env.sh.eex": "export SHELL=/bin/bash\n"}).container.variables == ()


def test_what_a_dependency_needs_where_it_is_used_so() -> None:
    code = {"lib/shop.ex": "defmodule Shop do\n  def print(url), do: ChromicPDF.print_to_pdfa({:url, url})\nend\n"}
    assert depending("chromic_pdf", code).runner.asked_packages == ("chromium", "ghostscript")
    assert depending("chromic_pdf").runner.asked_packages == ("chromium",)


TZDATA = (
    "mix.lock:2:3: tzdata downloads new time zones into its own priv directory, where the image's user can't write: "
    "each update fails"
)


@pytest.mark.parametrize(
    ("config", "runtime", "found"),
    [
        ("", "", [TZDATA]),
        ("config :tzdata, :autoupdate, :enabled", "", [TZDATA]),
        ("config :tzdata, :autoupdate, :disabled", "", []),
        ("config :tzdata, autoupdate: :disabled", "", []),
        ("", "config :tzdata, :data_dir, System.get_env(\"TZ_DIR\")", []),
        ("", "config :tzdata, :autoupdate, Lib.setting()", []),
        # In a file whose import can't be followed.
        ('for file <- Lib.files(), do: import_config(file)\n# config :tzdata, :autoupdate, :disabled', "", []),
    ],
)  # fmt: skip
def test_where_tzdata_can_not_write(config: str, runtime: str, found: list[str]) -> None:
    files = {"config/config.exs": f"import Config\n{config}\n", "config/runtime.exs": f"import Config\n{runtime}\n"}
    assert [str(each) for each in depending("tzdata", files).problems] == found


def test_what_only_some_projects_do_with_a_dependency() -> None:
    started = {"lib/shop.ex": "defmodule Shop do\n  def start, do: [{Tz.UpdatePeriodically, []}]\nend\n"}
    assert [each.hint for each in depending("tz", started).problems] == ['config :tz, :data_dir, "/tmp/tz"']
    assert depending("tz").problems == ()


def test_the_minimal_image_has_the_programs_that_are_said_to_be_there() -> None:
    from relbuild import templates

    script = (templates.DIRECTORY / "scripts" / "collect-rootfs.sh").read_text()
    words = script.partition('tools="')[2].partition('"')[0].split()
    assert package_table().minimal == set(words)


def test_an_installed_program_is_shown_with_its_place() -> None:
    from relbuild.commands import explanation

    made = calling("jq")
    assert InstalledProgram("jq", "jq", made.container.programs[0].at) in made.container.programs
    rows = ("jq  (lib/shop.ex:2)  →  runner: jq",)
    listed = explanation.listing("programs that the release calls", rows)
    blocks = explanation.blocks(made)
    assert blocks[blocks.index(listed[1]) + 1] == listed[2]
