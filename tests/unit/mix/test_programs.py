"""Which programs a release runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.mix import project
from relbuild.mix.programs import Program, find_programs
from relbuild.mix.project import select_release

MIX = 'defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: "1.0.0"]\nend\n'


@pytest.fixture
def programs(dict_tree: Callable[..., object]) -> Callable[..., list[Program]]:
    def programs(files: dict[str, str]) -> list[Program]:
        tree = dict_tree({"mix.exs": MIX, **files})
        found = project.read_project(tree)
        return list(find_programs(tree, (found, *found.apps), select_release(found)))

    return programs


@pytest.fixture
def named(programs: Callable[..., list[Program]]) -> Callable[..., list[str]]:
    def named(files: dict[str, str]) -> list[str]:
        return [f"{each.name}{'?' if each.optional else ''} {each.at.brief}" for each in programs(files)]

    return named


@pytest.fixture
def called(named: Callable[..., list[str]]) -> Callable[[str], list[str]]:
    def called(body: str) -> list[str]:
        code = f'defmodule Shop.Video do\n  @probe "ffprobe"\n  def run(path) do\n    {body}\n  end\nend\n'
        return [each.partition(" ")[0] for each in named({"lib/shop/video.ex": code})]

    return called


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('System.cmd("ffmpeg", ["-i", path])', ["ffmpeg"]),
        ('"git" |> System.cmd(["status"])', ["git"]),
        ('System.cmd("/usr/bin/git", [])', ["git"]),
        ("System.cmd(@probe, [path])", ["ffprobe"]),
        ('command = "sox"\n    System.cmd(command, [path])', ["sox"]),
        ('System.cmd(Application.get_env(:shop, :convert, "convert"), [path])', ["convert"]),
        ('System.cmd(System.get_env("TOOL") || "gs", [path])', ["gs"]),
        ('System.shell("pdftotext #{path} - | grep -c x && jq .")', ["pdftotext", "grep", "jq"]),
        (':os.cmd(~c"df -h | awk 1")', ["df", "awk"]),
        (":os.cmd('uptime')", ["uptime"]),
        ('Port.open({:spawn, "tail -F #{path}"}, [:binary])', ["tail"]),
        ('Port.open({:spawn_executable, System.find_executable("node")}, args: [path])', ["node"]),
        ('MuonTrap.cmd("ping", ["-c", "1", path])', ["ping"]),
        ('children = [{MuonTrap.Daemon, ["mpd", ["--no-daemon"]]}]', ["mpd"]),
        ('Rambo.run("cwebp", [path])', ["cwebp"]),
        ('Exile.stream!(["ffmpeg", "-i", path]) |> Enum.to_list()', ["ffmpeg"]),
        ('Exile.stream!(~w(ffmpeg -i x))', ["ffmpeg"]),
        (':exec.run(~c"mpg123 #{path}", [])', ["mpg123"]),
        ('System.find_executable("pandoc") || raise("no pandoc")', ["pandoc"]),
        ('System.shell("timeout 5 curl #{path}")', ["timeout", "curl"]),
        # What happens without it is said.
        ('if System.find_executable("optipng"), do: path', ["optipng?"]),
        ('case System.find_executable("fd") do\n      nil -> []\n      fd -> System.cmd(fd, [])\n    end', ["fd?"]),
        ('java = System.find_executable("java")\n    if java && path, do: System.cmd(java, [])', ["java?"]),
        ('if found = System.find_executable("fd"), do: System.cmd(found, [])', ["fd?"]),
        ('dot = System.find_executable("dot")\n    unless dot, do: raise("no dot")\n    dot', ["dot"]),
        # Nobody's but the project's, or not known.
        ("System.cmd(path, [])", []),
        ('System.cmd("./run.sh", [])', []),
        ('System.cmd("/opt/shop/tool", [])', []),
        ('System.cmd("#{path}/tool", [])', []),
        ('System.cmd(Path.join(:code.priv_dir(:shop), "tool"), [])', []),
        ('System.shell("cd #{path} && echo $HOME; exit 1")', []),
        ('System.shell("#{path} --version")', []),
    ],
)  # fmt: skip
def test_what_code_starts(called: Callable[[str], list[str]], body: str, found: list[str]) -> None:
    assert called(body) == found


@pytest.mark.parametrize(
    "code",
    [
        "defmodule Shop.Version do\n"
        '  @version System.cmd("git", ["describe"]) |> elem(0)\n  def version, do: @version\nend\n',
        "defmodule Shop.Macros do\n  defmacro version do\n"
        '    {text, 0} = System.cmd("git", ["describe"])\n    text\n  end\nend\n',
        'defmodule Mix.Tasks.Shop.Dump do\n  use Mix.Task\n  def run(_), do: System.cmd("pg_dump", [])\nend\n',
        "defmodule Shop.Dev do\n  if Mix.env() == :dev do\n"
        '    def open(path), do: System.cmd("feh", [path])\n  end\nend\n',
    ],
)
def test_what_runs_when_the_project_is_compiled_does_not_count(named: Callable[..., list[str]], code: str) -> None:
    assert named({"lib/shop/code.ex": code}) == []


def test_mix_tasks_by_their_place(named: Callable[..., list[str]]) -> None:
    code = 'defmodule Helper do\n  def run, do: System.cmd("pg_dump", [])\nend\n'
    assert named({"lib/mix/tasks/helper.ex": code}) == []


def test_what_env_sh_and_overlays_call(named: Callable[..., list[str]]) -> None:
    env = (
        '#!/bin/sh\nlog() { logger "$1"; }\n'
        'export POD_IP=$(curl -s http://metadata/ip | jq -r .ip)\nlog started\nHOST="$(hostname -i)"\n'
        "if command -v dig >/dev/null; then dig +short x; fi\n"
    )
    overlays = {
        "rel/overlays/bin/backup": '#!/usr/bin/env bash\nset -e\npg_dump "$DATABASE_URL" | gzip >x\n./shop rpc x\n',
        "rel/overlays/bin/report": "#!/usr/bin/python3\nimport os\n",
        "rel/overlays/etc/notes.txt": "curl is not called here\n",
    }
    assert named({"rel/env.sh.eex": env, **overlays}) == [
        "logger rel/env.sh.eex:2",
        "curl rel/env.sh.eex:3",
        "jq rel/env.sh.eex:3",
        "hostname rel/env.sh.eex:5",
        "dig? rel/env.sh.eex:6",
        "bash rel/overlays/bin/backup:1",
        "pg_dump rel/overlays/bin/backup:3",
        "gzip rel/overlays/bin/backup:3",
        "python3 rel/overlays/bin/report:1",
    ]


def test_what_the_release_has_itself(named: Callable[..., list[str]]) -> None:
    calls = ", ".join(f'System.cmd("{name}", [])' for name in ("resize", "backup", "jq"))
    code = f"defmodule Shop do\n  def run, do: [{calls}]\nend\n"
    files = {"lib/shop.ex": code, "priv/bin/resize": "x", "rel/overlays/bin/backup": "#!/bin/sh\n"}
    assert named(files) == ["sh rel/overlays/bin/backup:1", "jq lib/shop.ex:2"]
