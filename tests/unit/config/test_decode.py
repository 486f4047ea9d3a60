"""What relbuild.yml may say, and what is said of each thing that it may not."""

from types import MappingProxyType

import pytest

from relbuild.config import Builder, Config, Healthcheck, Runner, Steps, Target, parse
from relbuild.errors import ConfigError, Mark


def problems(text: str | bytes) -> list[str]:
    """Every problem as "line:column message | hint", in order."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode() if isinstance(text, str) else text)
    found = caught.value.problems
    assert all(problem.at is not None and problem.at.file == "relbuild.yml" for problem in found)
    return [
        f"{problem.at.line}:{problem.at.column} {problem.message} | {problem.hint}" for problem in found if problem.at
    ]


@pytest.mark.parametrize(
    "text", ["", "\n", "# a comment\n", "---\n", "null\n", "~", "{}", "elixir:\n", "targets: null\n"]
)
def test_nothing_said_is_all_defaults(text: str) -> None:
    assert parse(text.encode()) == Config()


def test_all_keys() -> None:
    text = """\
release: shop
image: registry.example.com:5000/acme/shop
toolchain: image
elixir: 1.10
otp: 27.3
debian: trixie-20260803
builder:
  image: registry.example.com/elixir:1.18.4
  packages: [libvips-dev, g++, libssl-dev=3.0.15-1~deb12u1]
  env: {NODE_ENV: production, EMPTY: "", DEBUG: yes, PORT: 4000}
  secrets: [HEX_ACME_KEY]
  ssh: true
  steps:
    before_deps: ["make deps"]
    before_compile:
      - |
        make one
        make two
    after_compile: [true]
runner: {base: minimal, packages: [curl], env: {LANG: C.UTF-8}, mode: interactive}
assets: [npm ci, mix phx.digest]
migrate: Shop.Release.migrate()
healthcheck: {path: "/health?deep=1", port: 4000}
targets:
  production:
    {engine: swarm, host: "ssh://deploy@web1.example.com:2222", replicas: 3, publish: [80:4000, 53:53/udp],
     env_file: .env.production, networks: [backend], env: {SECRET_KEY_BASE: , PHX_HOST: shop.example.com},
     stop_timeout: 60}
  staging: {engine: host, host: "unix:///run/docker.sock"}
  one: {engine: host, context: web, publish: ["127.0.0.1:80:4000"]}
  gke: {engine: kubernetes, context: gke_acme_europe-west1_prod, namespace: shop}
"""
    production = Target(
        engine="swarm",
        host="ssh://deploy@web1.example.com:2222",
        replicas=3,
        publish=("80:4000", "53:53/udp"),
        networks=("backend",),
        env=MappingProxyType({"SECRET_KEY_BASE": None, "PHX_HOST": "shop.example.com"}),
        env_file=".env.production",
        stop_timeout=60,
    )
    config = parse(text.encode())
    assert config == Config(
        release="shop",
        image="registry.example.com:5000/acme/shop",
        toolchain="image",
        elixir="1.10",
        otp="27.3",
        debian="trixie-20260803",
        builder=Builder(
            image="registry.example.com/elixir:1.18.4",
            packages=("libvips-dev", "g++", "libssl-dev=3.0.15-1~deb12u1"),
            env=MappingProxyType({"NODE_ENV": "production", "EMPTY": "", "DEBUG": "yes", "PORT": "4000"}),
            secrets=("HEX_ACME_KEY",),
            ssh=True,
            steps=Steps(("make deps",), ("make one\nmake two\n",), ("true",)),
        ),
        runner=Runner("minimal", ("curl",), MappingProxyType({"LANG": "C.UTF-8"}), "interactive"),
        assets=("npm ci", "mix phx.digest"),
        migrate="Shop.Release.migrate()",
        healthcheck=Healthcheck("/health?deep=1", 4000),
        targets=MappingProxyType(
            {
                "production": production,
                "staging": Target(engine="host", host="unix:///run/docker.sock"),
                "one": Target(engine="host", context="web", publish=("127.0.0.1:80:4000",)),
                "gke": Target(engine="kubernetes", context="gke_acme_europe-west1_prod", namespace="shop"),
            }
        ),
    )
    assert [*config.targets] == ["production", "staging", "one", "gke"]


def test_marks_are_the_places_of_the_values() -> None:
    text = "elixir: 1.18.4\nbuilder:\n  packages: [é, libvips-dev]\n".replace("é", "g++")
    assert dict(parse(text.encode(), "é.yml").marks) == {
        "elixir": Mark("é.yml", 1, 9),
        "builder": Mark("é.yml", 3, 3),
        "builder.packages": Mark("é.yml", 3, 13),
        "builder.packages[0]": Mark("é.yml", 3, 14),
        "builder.packages[1]": Mark("é.yml", 3, 19),
    }
    # Two names that differ in their places alone say the same.
    assert parse(b"elixir: 1.18.4") == parse(b"\n elixir:   1.18.4")


def test_a_column_counts_characters() -> None:
    text = "migrate: 'Läden😀.migrate()'\nrunner: {env: {A: é😀}, bas: slim}\n"
    assert problems(text) == ["2:24 runner.bas: is no key that relbuild knows | did you mean base?"]


def test_the_mappings_cannot_be_changed() -> None:
    config = parse(b"runner: {env: {A: b}}\ntargets: {web: {engine: host}}")
    for mapping in (config.runner.env, config.targets, config.targets["web"].env, config.marks, Config().targets):
        assert isinstance(mapping, MappingProxyType)


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_truth_is_what_both_versions_of_yaml_agree_on(text: str) -> None:
    assert parse(f"builder: {{ssh: {text}}}".encode()).builder.ssh is True


@pytest.mark.parametrize(
    ("text", "elixir", "otp"),
    [
        ("elixir: 1.20.0-rc.0\notp: 28.0-rc1", "1.20.0-rc.0", "28.0-rc1"),
        ("elixir: 1.20\notp: 26.2.5.21", "1.20", "26.2.5.21"),
        ("elixir: 1.20\notp: 27", "1.20", "27"),
        ("toolchain: source\nelixir: main\notp: 27.3", "main", "27.3"),
        ("elixir: v1.18-dev\notp: 27.3", "v1.18-dev", "27.3"),
        ("toolchain: source\nelixir: ref:abc123f\notp: 27.3", "ref:abc123f", "27.3"),
    ],
)
def test_versions(text: str, elixir: str, otp: str) -> None:
    config = parse(text.encode())
    assert (config.elixir, config.otp) == (elixir, otp)


@pytest.mark.parametrize("toolchain", ["", "toolchain: image", "toolchain: debian", "toolchain: source"])
def test_a_builder_image_may_be_of_use(toolchain: str) -> None:
    config = parse(f"{toolchain}\nbuilder: {{image: debian:trixie}}".encode())
    assert config.builder.image == "debian:trixie"


def test_every_problem_in_one_report() -> None:
    text = """\
release: Shop
elixr: 1.18.4
builder:
  packages: libvips-dev
  ssh: yes
targets:
  web:
    engine: swarm
    replicas: two
  api: {replicas: 2}
"""
    assert problems(text) == [
        "1:10 release: should be a release's name: small letters, digits and _, a letter first, is 'Shop'"
        " | write release: shop",
        "2:1 elixr: is no key that relbuild knows | did you mean elixir?",
        "4:13 builder.packages: should be a list of Debian packages, is 'libvips-dev' | write packages: [libvips-dev]",
        "5:8 builder.ssh: should be true or false, is 'yes' | write ssh: true",
        "9:15 targets.web.replicas: should be a whole number, is 'two' | write replicas: 3",
        "10:8 targets.api.engine: is missing | write engine: swarm",
    ]
