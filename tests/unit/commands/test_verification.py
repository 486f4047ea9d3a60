"""What a trial is given, and what is remembered of an image that was verified."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands import checks
from relbuild.commands.checks import _cookies
from relbuild.commands.variables import Environment
from relbuild.commands.verification import _key, environment
from relbuild.config import Config, parse
from relbuild.endpoint import DEFAULT
from relbuild.engine.archive import Archive, Configuration
from relbuild.engine.facts import ImageFacts, Listed
from relbuild.engine.layer import Unpacked
from relbuild.errors import ConfigError, Mark
from relbuild.image import labels
from relbuild.image.filesystem import Entry
from relbuild.image.inspect.contents import ShippedRelease
from relbuild.image.verify.secrets import Leak

SHOP = ShippedRelease("shop", "/app", "1.0.0")


def test_what_the_findings_depend_on() -> None:
    keys = [
        _key(image, values, stop_timeout)
        for image in ("sha256:1", "sha256:2")
        for values in ((), (("A", ("b",)),))
        for stop_timeout in (30, 60)
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == _key("sha256:1", (), 30)


def session(root: Path, config: Config) -> Any:
    return SimpleNamespace(root=root, config_file=None, config=lambda: config)


def test_the_environment_of_relbuild_yml_and_over_it_that_of_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env.test").write_text("A=file\nB=file\nC=file\n")
    monkeypatch.setenv("FROM_HERE", "mine")
    monkeypatch.delenv("NOT_HERE", raising=False)
    config = parse(b"verify:\n  env: {B: yml, C: yml, FROM_HERE: null, NOT_HERE: null}\n  env_file: .env.test\n")
    found = environment(session(tmp_path, config), Environment({"C": "option"}, network="backend"))
    assert dict(found.variables) == {"A": "file", "B": "yml", "C": "option", "FROM_HERE": "mine"}
    assert (found.inherited, found.network) == ({"FROM_HERE"}, "backend")
    assert environment(session(tmp_path, Config()), Environment()) == Environment()


def test_an_env_file_that_is_not_there(tmp_path: Path) -> None:
    config = parse(b"verify:\n  env_file: none\n")
    with pytest.raises(ConfigError) as raised:
        environment(session(tmp_path, config), Environment())
    [problem] = raised.value.problems
    assert (problem.message, problem.at) == (
        f"verify.env_file: there is no file {tmp_path / 'none'}",
        Mark("relbuild.yml", 2, 13),
    )


@pytest.mark.parametrize(
    ("exposed", "label", "env", "ports"),
    [
        ((), None, {}, ()),
        (("4000/tcp", "53/udp"), None, {}, (4000,)),
        ((), "4000", {}, (4000,)),
        ((), "4000", {"PORT": "8080"}, (8080,)),
        (("80/tcp",), "4000", {}, (80,)),
        (("80/tcp",), "4000", {"PORT": "8080"}, (8080,)),
        (("80/tcp",), None, {"PORT": "8080"}, (80,)),
        ((), "4000", {"PORT": "x"}, ()),
    ],
)
def test_the_ports_that_it_should_listen_on(
    exposed: tuple[str, ...], label: str | None, env: dict[str, str], ports: tuple[int, ...]
) -> None:
    variable = f'{{"name":"PORT","at":"config/runtime.exs:1","default":"{label}"}}'
    said = {} if label is None else {labels.ENVIRONMENT: f'{{"version":1,"variables":[{variable}]}}'}
    facts = ImageFacts("sha256:1", (), (), said, 1, ports=exposed)
    assert checks._ports(facts, env) == ports


def test_a_foreign_image_gets_a_cookie_and_one_of_ours_makes_it() -> None:
    foreign = ImageFacts("sha256:1", (), (), {}, 1)
    own = ImageFacts("sha256:1", (), (), {labels.BUILT_BY: "relbuild 1"}, 1)
    assert checks._setup(foreign, SHOP, Environment(), 30).stand_ins == {"RELEASE_COOKIE": "relbuild"}
    assert checks._setup(foreign, SHOP, Environment({"RELEASE_COOKIE": "a"}), 30).stand_ins == {}
    assert checks._setup(own, SHOP, Environment(), 30).stand_ins == {}


def test_containers_that_a_killed_relbuild_left_are_removed() -> None:
    def listed(name: str, age: float) -> Listed:
        return Listed(name, name, "i", "running", "Up", int(time.time() - age), {}, ())

    removed: list[tuple[str, ...]] = []
    here: Any = SimpleNamespace(
        endpoint=DEFAULT,
        engine=SimpleNamespace(containers=lambda label, stopped: (listed("new", 60), listed("old", 7200))),
        runner=SimpleNamespace(captured=removed.append),
    )
    checks._sweep(here)
    assert removed == [("docker", "rm", "--force", "--volumes", "old")]


def archive(*layers: dict[str, bytes]) -> Archive:
    """Return an image of layers with these files."""
    unpacked = []
    for files in layers:
        offsets, content = {}, b""
        for path, text in files.items():
            offsets[path] = len(content)
            content += text
        unpacked.append(Unpacked(content, {path: Entry("file", len(text)) for path, text in files.items()}, offsets))
    return Archive(unpacked, Configuration())


def test_cookies_in_what_starts_the_vm() -> None:
    baked = {"vm.args": b"-setcookie a\n", "remote.vm.args": b"-setcookie a\n", "env.sh": b"export RELEASE_COOKIE=a\n"}
    given = {"vm.args": b"+Q 65536\n", "env.sh": b'export RELEASE_COOKIE="${RELEASE_COOKIE:?}"\n'}
    files = [{f"app/releases/1.0.0/{name}": text for name, text in each.items()} for each in (baked, given)]
    other = {"app/releases/0.9.0/env.sh": baked["env.sh"]}
    directory = "app/releases/1.0.0"
    found = tuple(Leak("cookie", path, layer=1) for path in files[0])
    assert _cookies(archive(other, files[0]), directory) == found
    assert _cookies(archive(other, files[1]), directory) == ()
