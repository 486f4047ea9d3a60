"""The JSON Schema of relbuild.yml, and the sample that documents every key."""

import json
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest
import yaml

from relbuild.config import Builder, Config, Healthcheck, Repository, Runner, Steps, Target, Verify, parse
from relbuild.config.kinds import Section, Table, keys
from relbuild.config.schema import json_schema
from relbuild.config.target import Hooks, Role
from relbuild.config.words import paths

SAMPLE = Path(__file__).parents[3] / "examples" / "relbuild.yml"


def declared() -> dict[str, Any]:
    """Every key by its path, as `paths` writes it."""

    def below(of: type[Any], before: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, key in keys(of).items():
            found[before + name] = key
            if isinstance(key.kind, Section):
                found |= below(key.kind.of, f"{before}{name}.")
            elif isinstance(key.kind, Table) and isinstance(key.kind.value, Section):
                found |= below(key.kind.value.of, f"{before}{name}.NAME.")
        return found

    return below(Config, "")


def written(node: yaml.Node, before: str = "") -> list[tuple[str, int]]:
    """The path and the line (from 0) of each key of the sample, those under a name as such."""
    found = []
    if isinstance(node, yaml.MappingNode) and not before.endswith(("env.", "labels.", "nodes.")):
        for key, value in node.value:
            name = "NAME" if before in ("targets.", "builder.repos.", "targets.NAME.roles.") else key.value
            found += [(before + name, key.start_mark.line), *written(value, f"{before}{name}.")]
    return found


def test_the_sample_is_what_it_says() -> None:
    assert parse(SAMPLE.read_bytes()) == Config(
        release="shop",
        image="registry.example.com/shop",
        toolchain="hexpm",
        elixir="1.18.4",
        otp="27.3.4",
        debian="trixie",
        registry_mirror="mirror.example.com",
        platforms=("linux/amd64", "linux/arm64"),
        builder=Builder(
            emulate=False,
            elixir_git="https://git.example.com/mirrors/elixir.git",
            packages=("libvips-dev",),
            env=MappingProxyType({"NODE_ENV": "production"}),
            secrets=("SENTRY_AUTH_TOKEN",),
            ignore=("priv/cert/", "!config/license.key"),
            repos=MappingProxyType({"acme": Repository("https://hex.example.com", "acme.pem")}),
            steps=Steps(
                ("./scripts/add-ca.sh",),
                ("mix gettext.extract\nmix gettext.merge priv/gettext\n",),
                ("mix sentry.package_source_code",),
            ),
        ),
        runner=Runner(
            packages=("imagemagick",), env=MappingProxyType({"PHX_SERVER": "true"}), mode="embedded", without=("git",)
        ),
        migrate="Shop.Release.migrate()",
        healthcheck=Healthcheck("/health", 4000),
        verify=Verify(env={"REGION": "eu", "LICENSE_KEY": None}, env_file=".env.test"),
        targets=MappingProxyType(
            {
                "production": Target(
                    "swarm",
                    host="ssh://deploy@web1.example.com",
                    nodes={"web2": "ssh://deploy@web2.example.com"},
                    name="shop",
                    replicas=3,
                    roles={
                        "web": Role(publish=("80:4000",)),
                        "worker": Role(
                            replicas=2,
                            env={"OBAN_QUEUES": "default"},
                            labels={"traefik.enable": "false"},
                            memory="1g",
                            cpus="1",
                        ),
                    },
                    publish=("80:4000",),
                    networks=("backend",),
                    env=MappingProxyType({"PHX_HOST": "shop.example.com", "RELEASE_COOKIE": None}),
                    env_file=".env.production",
                    secrets=("DATABASE_URL", "SECRET_KEY_BASE"),
                    labels={"traefik.enable": "true"},
                    memory="512m",
                    cpus="0.5",
                    constraints=("node.labels.app == true",),
                    hooks=Hooks(("./scripts/announce start",), ("./scripts/announce end",)),
                    wait=120,
                    keep=3,
                    stop_timeout=60,
                ),
                "staging": Target("host", context="staging"),
                "gke": Target("kubernetes", context="prod", namespace="shop", manifests=("k8s/ingress.yaml",)),
            }
        ),
    )


def test_the_sample_has_every_key_under_its_meaning_and_default() -> None:
    lines = SAMPLE.read_text().splitlines()
    comments: dict[str, str] = {}
    for path, line in written(yaml.compose(SAMPLE.read_text(), Loader=yaml.SafeLoader)):
        above = ""
        while line and lines[line - 1].lstrip().startswith("#"):
            line -= 1
            above = lines[line].strip("# ") + " " + above
        comments.setdefault(path, "")
        comments[path] += above
    documented = {path: key for path, key in declared().items() if comments.get(path)}
    assert [*documented] == [*declared()]
    for path, key in documented.items():
        said = "Needed." if key.required else f"Default: {key.default}" if key.default else ""
        assert said in comments[path], f"{path}: the sample does not say {said!r}"


def test_paths_are_those_declared() -> None:
    assert [*paths()] == [*declared()]


def test_the_schema_is_one_and_is_json() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_takes_the_sample() -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(SAMPLE.read_text()))


def test_every_key_is_described_and_closed() -> None:
    found = []

    def walk(schema: dict[str, Any], before: str) -> None:
        for name, value in schema.get("properties", {}).items():
            found.append(before + name)
            assert re.match(r"[A-Z].*\.$", value["description"]), name
            assert len(value["examples"]) == 1
            walk(value, f"{before}{name}.")
        if schema.get("properties"):
            assert schema["additionalProperties"] is False
        elif isinstance(schema.get("additionalProperties"), dict):
            walk(schema["additionalProperties"], f"{before}NAME.")

    walk(json_schema(), "")
    assert found == [*declared()]


@pytest.mark.parametrize("path", [path for path in declared() if "." not in path and path != "targets"])
def test_each_example_is_accepted(path: str) -> None:
    text = f"{path}: {declared()[path].example}\n"
    parse(text.encode())
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(text))


def test_the_examples_of_the_sections_are_accepted() -> None:
    for section, start in (("builder.", "toolchain: image\nbuilder: {image: elixir:1.18, "), ("runner.", "runner: {")):
        for path, key in declared().items():
            name = path.removeprefix(section)
            if path.startswith(section) and "." not in name and name != "image":
                parse(f"{start}{name}: {key.example}}}".encode())
    for path, key in declared().items():
        name = path.removeprefix("targets.NAME.")
        if name != path and name != "engine" and "." not in name:
            engine = key.engines[0] if key.engines else "host"
            parse(f"targets: {{a: {{engine: {engine}, {name}: {key.example}}}}}".encode())
