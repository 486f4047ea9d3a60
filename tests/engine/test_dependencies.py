"""Umbrellas, path dependencies, C, Hex repositories public and private, git over ssh: really built and started."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts import hexrepo

HERE = Path(__file__).parent
PROJECTS = HERE / "projects"
SCRIPTS = HERE.parents[1] / "dockerfiles" / "scripts"

# conftest.py's Docker and Ran; its module can't be imported by name.
Docker = Any
Ran = Any
Build = Callable[..., str]


ORGANIZATION_KEY, REPOSITORY_KEY = "0rgan1zat10n-k3y", "r3p0s1t0ry-k3y"


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies one of the projects, which the test may change."""
    return lambda name: Path(shutil.copytree(PROJECTS / name, tmp_path / name))


@pytest.fixture
def build(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> Build:
    """Return a function that builds a project's image, which it doesn't verify, and returns its reference."""

    def built(project: Path, *options: str, **env: str) -> str:
        name = re.sub(r"[^a-z]", "", "-".join((project.name, *options)))
        reference = str(cleanup.image(f"relbuild-test-{name}:{run_id}"))
        ran = relbuild("image", "--no-verify", "-t", reference, *options, cwd=project, env=env)
        assert (ran.exit_code, ran.stdout) == (0, f"{reference}\n"), ran.stderr
        return reference

    return built


def evaluated(docker: Docker, image: str, expression: str) -> str:
    return str(docker("run", "--rm", image, "eval", f"IO.write({expression})"))


def applications(docker: Docker, image: str) -> set[str]:
    """Return the image's applications, without Elixir's and OTP's, by their directories."""
    found = docker("run", "--rm", "--entrypoint", "ls", image, "/app/lib").split()
    return {name for name in found if not re.match(r"(?:elixir|logger|iex|mix|kernel|stdlib|compiler|sasl)-", name)}


def layers(docker: Docker, image: str) -> list[str]:
    return list(json.loads(docker("image", "inspect", image))[0]["RootFS"]["Layers"])


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def unpacked(image: str) -> bytes:
    """Return all that makes the image: its configuration and the content of its layers, one after the other."""
    saved = subprocess.run(("docker", "save", image), capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        blobs = [file.read() for member in archive if (file := archive.extractfile(member)) is not None]
    return b"".join(gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob for blob in blobs)


def test_an_umbrella_with_two_releases(docker: Docker, project: Callable[[str], Path], build: Build) -> None:
    umbrella = project("umbrella")
    front, worker = (build(umbrella, "--release", name) for name in ("front", "worker"))
    assert evaluated(docker, front, "Web.describe()") == "web: 3 shelves in Porto"
    assert evaluated(docker, worker, "Jobs.describe()") == "jobs: 3 shelves in Porto"
    assert applications(docker, front) == {"store-0.1.0", "web-0.1.0"}
    assert applications(docker, worker) == {"jobs-0.1.0", "store-0.1.0"}
    # The children are the project's own: one layer alone tells the two apart.
    both = zip(layers(docker, front), layers(docker, worker), strict=True)
    assert [one == other for one, other in both].count(False) == 1


def test_several_releases_and_no_choice(project: Callable[[str], Path], relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("image", cwd=project("umbrella"))
    assert ran.exit_code == 3
    assert "mix.exs defines several releases: front, worker" in ran.stderr
    assert "--release NAME" in ran.stderr


def test_path_dependencies_in_the_project_and_above_it(
    docker: Docker,
    project: Callable[[str], Path],
    build: Build,
    relbuild: Callable[..., Ran],
    cleanup: Any,
    run_id: str,
) -> None:
    device = project("poncho") / "device"
    image = build(device)
    assert evaluated(docker, image, "Device.describe()") == "wire 3 with codec, tick"
    assert applications(docker, image) == {"clock-0.1.0", "codec-0.1.0", "device-0.1.0", "wire-0.1.0"}
    before = layers(docker, image)

    # The written Dockerfile builds without relbuild, by the command that stands in it.
    assert relbuild("dockerfile", "--write", cwd=device).exit_code == 0
    assert not (device / ".dockerignore").exists()
    [command] = re.findall(r"^#   docker (build .*)$", (device / "Dockerfile").read_text(), re.MULTILINE)
    plain = cleanup.image(f"relbuild-test-poncho-plain:{run_id}")
    subprocess.run(("docker", *command.split(), "--quiet", "--tag", plain), cwd=device, check=True, capture_output=True)
    assert layers(docker, plain) == before

    # A change in a dependency above the project is a change of the project.
    replace(device.parent / "codec" / "lib" / "codec.ex", '"codec"', '"another codec"')
    assert evaluated(docker, build(device), "Device.describe()") == "wire 3 with another codec, tick"


def test_c_code_of_the_projects_own_and_a_lock_of_what_only_development_needs(
    docker: Docker, project: Callable[[str], Path], build: Build
) -> None:
    assert evaluated(docker, build(project("nif")), "inspect(Native.twice(21))") == "42"


def telling() -> tuple[hexrepo.Package, ...]:
    """Return packages that tell what they were compiled by."""

    def package(name: str, code: str, *changes: tuple[str, str], **files: str) -> hexrepo.Package:
        mix = hexrepo.elixir_package(name).files["mix.exs"]
        for old, new in changes:
            assert old in mix
            mix = mix.replace(old, new, 1)
        return hexrepo.Package(name, "1.0.0", {"mix.exs": mix, "lib/code.ex": code, **files})

    settings = (
        "defmodule Settings do\n  @given {Application.get_all_env(:settings) |> Enum.sort(), Mix.env()}\n"
        "  def given, do: @given\n"
        "  @text (with path when path != nil <- Application.get_env(:settings, :file), do: File.read!(path))\n"
        "  def text, do: @text\nend\n"
    )
    looks = (
        "defmodule Looks do\n  if Code.ensure_loaded?(Settings) do\n    def there, do: Settings.text()\n"
        "  else\n    def there, do: :not_there\n  end\nend\n"
    )
    makes = (
        "defmodule Makes do\n  def made, do: "
        ':makes |> Application.app_dir("priv/made") |> File.read!() |> String.trim()\nend\n'
    )
    # As a Makefile does, among its own sources, and only what isn't there.
    made = (
        "defmodule Mix.Tasks.Compile.Made do\n  use Mix.Task.Compiler\n  def run(_) do\n"
        '    text = case File.read("/etc/step") do {:ok, text} -> text; _ -> "none" end\n'
        '    File.exists?("priv/made") || File.write!("priv/made", text)\n    :ok\n'
        "  end\nend\n"
    )
    kept = ('"lib"', '"lib", "priv"')
    compilers = ("[app:", "[compilers: [:made] ++ Mix.compilers(), app:")
    return (
        package("settings", settings),
        package("looks", looks, ("deps: []", 'deps: [{:settings, "~> 1.0", optional: true}]')),
        package("makes", makes, ("defmodule", f"{made}defmodule"), compilers, kept, **{"priv/a": ""}),
    )


@pytest.fixture(scope="module")
def repository(elixir: str, labels: tuple[str, ...], tmp_path_factory: Any) -> Iterator[Any]:
    """Give a Hex repository on loopback: the public one, the organization acme's, and one of its own, own."""
    directory = tmp_path_factory.mktemp("hexrepo")
    repositories = {
        "hexpm": (*hexrepo.chain(2), hexrepo.rebar_package("erl_one"), *telling()),
        "acme": (hexrepo.elixir_package("acme_core"),),
        "own": (hexrepo.elixir_package("own_core"),),
    }
    hexrepo.publish(directory, repositories, elixir, labels)
    keys = {"/repos/acme/": ORGANIZATION_KEY, "/api/auth": ORGANIZATION_KEY, "/own/": REPOSITORY_KEY}
    with hexrepo.serve(directory, keys) as serving:
        yield SimpleNamespace(url=serving.url, public_key=directory / "hexpm" / "public_key", serving=serving)


def settings(elixir: str, repository: Any, more: str = "") -> str:
    """Return a relbuild.yml with the repository on loopback, and a builder that is ready but for what a test needs."""
    return (
        f"toolchain: debian\ndebian: trixie\nbuilder:\n  image: '{elixir}'\n  network: host\n"
        f"  repos:\n    hexpm: {{url: '{repository.url}', public_key: hex.pem, auth: false}}\n{more}"
    )


def write(directory: Path, config: str, deps: str, calls: str) -> Path:
    """Write a project with these dependencies, whose App.names() gives what they say, and return its directory."""
    (directory / "lib").mkdir(parents=True)
    (directory / "mix.exs").write_text(
        "defmodule App.MixProject do\n  use Mix.Project\n\n"
        f'  def project, do: [app: :app, version: "0.1.0", deps: [{deps}]]\n'
        "  def application, do: [extra_applications: [:logger]]\nend\n"
    )
    (directory / "lib" / "app.ex").write_text(f"defmodule App do\n  def names, do: {calls}\nend\n")
    (directory / "relbuild.yml").write_text(config)
    return directory


def lock(docker: Docker, elixir: str, repository: Any, labels: tuple[str, ...], project: Path, *logins: str) -> None:
    """Have Mix write mix.lock, as a developer would."""
    shutil.copy(repository.public_key, project / "hex.pem")
    login = f"mix hex.repo add hexpm {repository.url} --public-key hex.pem"
    script = "\n".join(("set -e", login, *logins, "mix deps.get", "chmod a+r mix.lock"))
    env = ("HEX_HOME=/tmp/hex", "MIX_DEPS_PATH=/tmp/deps", "MIX_BUILD_PATH=/tmp/build", "MIX_REBAR3=/usr/bin/rebar3")
    options = [option for each in (f"HEX_API_URL={repository.url}/api", *env) for option in ("--env", each)]
    docker(
        *("run", "--rm", "--network", "host", *labels, "--volume", f"{project}:/project", "--workdir", "/project"),
        *(*options, elixir, "sh", "-c", script),
    )


@pytest.fixture(scope="module")
def locked(docker: Docker, elixir: str, repository: Any, labels: tuple[str, ...], tmp_path_factory: Any) -> Path:
    """Return a project with packages of the public repository, one of them for rebar3, and their lock file."""
    app = write(
        tmp_path_factory.mktemp("locked") / "hex",
        settings(elixir, repository),
        '{:package_02, "~> 1.0"}, {:erl_one, "~> 1.0"}',
        'Package02.name() <> " " <> :erl_one.name()',
    )
    lock(docker, elixir, repository, labels, app)
    return app


def test_what_dependencies_are_compiled_by_is_never_an_earlier_builds(
    docker: Docker, elixir: str, repository: Any, labels: tuple[str, ...], tmp_path: Path, build: Build
) -> None:
    deps = '{:settings, "~> 1.0"}, {:looks, "~> 1.0"}, {:makes, "~> 1.0"}'
    calls = "inspect({Settings.given(), Settings.text(), Looks.there(), Makes.made()})"
    step = "  steps: {before_deps: ['echo A >/etc/step']}\n"
    app = write(tmp_path / "app", settings(elixir, repository, step), deps, calls)
    (app / "config").mkdir()
    (app / "config" / "schema.json").write_text("one")
    config = 'import Config\nconfig :settings, file: "/src/config/schema.json", at: Path.expand("../priv", __DIR__)\n'
    (app / "config" / "config.exs").write_text(config)
    lock(docker, elixir, repository, labels, app)

    def told(calls: str = "App.names()") -> str:
        return evaluated(docker, build(app), calls)

    given = '[at: "/src/priv", file: "/src/config/schema.json"]'
    assert told() == f'{{{{{given}, :prod}}, "one", "one", "A"}}'

    # A file beside the configuration.
    (app / "config" / "schema.json").write_text("two")
    # A step before, and what it left for a compiler that only makes what isn't there.
    replace(app / "relbuild.yml", "echo A", "echo B")
    assert told() == f'{{{{{given}, :prod}}, "two", "two", "B"}}'

    # How a dependency is compiled.
    replace(app / "mix.exs", '{:settings, "~> 1.0"}', '{:settings, "~> 1.0", env: :dev, override: true}')
    replace(app / "relbuild.yml", step.replace("echo A", "echo B"), "")
    assert told() == f'{{{{{given}, :dev}}, "two", "two", "none"}}'

    # A configuration that asks for what isn't its own.
    replace(app / "config" / "config.exs", "at: Path", "version: Mix.Project.config()[:version], at: Path")
    assert told("inspect(Settings.given())") == f'{{{given[:-1]}, version: "0.1.0"], :dev}}'
    replace(app / "mix.exs", '"0.1.0"', '"0.2.0"')
    assert told("inspect(Settings.given())") == f'{{{given[:-1]}, version: "0.2.0"], :dev}}'

    # One that another was compiled with is gone; mix.lock has it still.
    replace(app / "mix.exs", '{:settings, "~> 1.0", env: :dev, override: true}, ', "")
    (app / "lib" / "app.ex").write_text("defmodule App do\n  def names, do: inspect(Looks.there())\nend\n")
    assert told() == ":not_there"


def test_hex_packages_by_a_lock_file(
    docker: Docker, locked: Path, tmp_path: Path, build: Build, relbuild: Callable[..., Ran]
) -> None:
    app = Path(shutil.copytree(locked, tmp_path / "hex"))
    # What is for tests alone isn't in the lock file here, and isn't missed.
    replace(app / "mix.exs", "deps: [", 'deps: [{:never_fetched, "~> 1.0", only: :test}, ')
    image = build(app)
    assert evaluated(docker, image, "App.names()") == "package_01 package_02 erl_one"
    assert applications(docker, image) == {"app-0.1.0", "erl_one-1.0.0", "package_01-1.0.0", "package_02-1.0.0"}
    assert billed(relbuild, image) == {
        name: (f"pkg:hex/{name}@1.0.0", "1.0.0", [checksum(app, name)])
        for name in ("erl_one", "package_01", "package_02")
    }


def checksum(project: Path, package: str) -> dict[str, str]:
    """Return the checksum of a package's archive as mix.lock has it, last in its line."""
    [found] = re.findall(rf'^  "{package}":.*"([0-9a-f]{{64}})"\}},$', (project / "mix.lock").read_text(), re.MULTILINE)
    return {"alg": "SHA-256", "content": found}


def billed(relbuild: Callable[..., Ran], image: str) -> dict[str, tuple[str, str, Any]]:
    """Return the image's Hex packages as its valid bill of materials has them: package URL, version and checksums."""
    told = relbuild("sbom", image).stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(told) is None
    found = [each for each in json.loads(told)["components"] if each.get("purl", "").startswith("pkg:hex/")]
    return {each["name"]: (each["purl"], each["version"], each.get("hashes")) for each in found}


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "exit_code", "error"),
    [
        (
            "mix.exs",
            r'package_02, "~> 1.0"',
            'package_02, "~> 2.0"',
            3,
            ("mix.lock does not match mix.exs: it has package_02 1.0.0, and ~> 2.0 is requested", "mix.exs:4"),
        ),
        (
            "mix.lock",
            r'("erl_one": \{:hex, :erl_one, "1.0.0"), .*\}',
            r"\1}",
            3,
            (
                "mix.lock lacks a checksum of erl_one, and the build's mix deps.get --check-locked refuses to add it",
                "mix.lock:2",
            ),
        ),
        (
            "mix.lock",
            r'(:erl_one, "1.0.0"), ".{8}',
            r'\1, "00000000',
            1,
            ("the build failed: mix.lock doesn't match mix.exs", "Dockerfile:"),
        ),
    ],
    ids=["version", "no-checksum", "wrong-checksum"],
)
def test_a_lock_file_that_does_not_match(
    locked: Path,
    tmp_path: Path,
    relbuild: Callable[..., Ran],
    file: str,
    pattern: str,
    replacement: str,
    exit_code: int,
    error: tuple[str, str],
) -> None:
    app = Path(shutil.copytree(locked, tmp_path / "hex"))
    text, changes = re.subn(pattern, replacement, (app / file).read_text())
    (app / file).write_text(text)
    ran = relbuild("image", "--json", cwd=app)
    [said] = json.loads(ran.stdout)["errors"]
    assert (changes, ran.exit_code) == (1, exit_code)
    assert said["message"] == error[0]
    assert f"{Path(said['file']).name}:{said['line']}".startswith(error[1])
    assert "mix deps.get" in said["hint"]


@pytest.fixture
def private(elixir: str, repository: Any, tmp_path: Path) -> Path:
    """Return a project with a package of an organization and one of another repository, both of which want keys."""
    own = f"    own: {{url: '{repository.url}/own', public_key: hex.pem}}\n"
    api = f"  env: {{HEX_API_URL: '{repository.url}/api'}}\n"
    app = write(
        tmp_path / "private",
        settings(elixir, repository, own + api),
        '{:acme_core, "~> 1.0", organization: "acme", manager: :mix}, '
        '{:own_core, "~> 1.0", repo: "own", manager: :mix}',
        'AcmeCore.name() <> " " <> OwnCore.name()',
    )
    shutil.copy(repository.public_key, app / "hex.pem")
    return app


def test_missing_keys_are_told_before_the_build(private: Path, relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("image", "--json", cwd=private, env={"HEX_OWN_KEY": REPOSITORY_KEY})
    envelope = json.loads(ran.stdout)
    assert (ran.exit_code, [error["message"] for error in envelope["errors"]]) == (
        2,
        ["the build needs HEX_ACME_KEY: acme_core is a package of the Hex organization acme"],
    )
    assert (envelope["errors"][0]["file"], envelope["errors"][0]["line"]) == ("mix.exs", 4)
    planned = json.loads(relbuild("plan", "--json", cwd=private).stdout)["data"]["builder"]["secrets"]
    assert [secret["name"] for secret in planned] == ["HEX_ACME_KEY", "HEX_OWN_KEY"]


def test_a_wrong_key_is_told_apart_from_other_faults(private: Path, relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("image", cwd=private, env={"HEX_ACME_KEY": "wr0ng", "HEX_OWN_KEY": REPOSITORY_KEY})
    assert ran.exit_code == 1
    assert "a Hex repository refused access" in ran.stderr
    assert "wr0ng" not in ran.stderr


def test_keys_of_private_packages_are_left_nowhere(
    docker: Docker,
    private: Path,
    repository: Any,
    elixir: str,
    labels: tuple[str, ...],
    relbuild: Callable[..., Ran],
    cleanup: Any,
    run_id: str,
) -> None:
    lock(
        docker,
        elixir,
        repository,
        labels,
        private,
        f"mix hex.organization auth acme --key {ORGANIZATION_KEY}",
        f"mix hex.repo add own {repository.url}/own --public-key hex.pem --auth-key {REPOSITORY_KEY}",
    )
    keys = {"HEX_ACME_KEY": ORGANIZATION_KEY, "HEX_OWN_KEY": REPOSITORY_KEY}
    image = cleanup.image(f"relbuild-test-private:{run_id}")
    ran = relbuild("image", "-v", "-t", image, cwd=private, env=keys)
    assert ran.exit_code == 0, ran.stderr
    assert evaluated(docker, image, "App.names()") == "acme_core own_core"
    # Each by where it is from.
    elsewhere = f"pkg:hex/own_core@1.0.0?repository_url={repository.url}/own"
    assert billed(relbuild, image) == {
        "acme_core": ("pkg:hex/acme/acme_core@1.0.0", "1.0.0", [checksum(private, "acme_core")]),
        "own_core": (elsewhere, "1.0.0", [checksum(private, "own_core")]),
    }

    told = ran.stderr + docker("history", "--no-trunc", image)
    assert [key for key in keys.values() if key in told] == []
    assert [key for key in keys.values() if key.encode() in unpacked(image)] == []

    # Nor in the stage that fetched and compiled, with all that was left there.
    written = relbuild("dockerfile", cwd=private).stdout
    mounted = " ".join(f"--mount=type=secret,id={name}" for name in keys)
    patterns = " ".join(f"-f /run/secrets/{name}" for name in keys)
    search = f"! grep -rlF {patterns} /src /root /tmp /etc /var /home /release /layers"
    built = subprocess.run(
        (
            *("docker", "buildx", "build", "--network", "host", "--output", "type=cacheonly", "--file", "-"),
            *("--build-context", f"scripts={SCRIPTS}"),
            *(option for name in keys for option in ("--secret", f"id={name},env={name}")),
            str(private),
        ),
        input=f"{written}\nFROM build\nRUN {mounted} test -d /src/deps/acme_core && {search}\n",
        env={**os.environ, **keys},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr


@pytest.fixture(scope="module")
def git(docker: Docker, labels: tuple[str, ...], run_id: str, tmp_path_factory: Any) -> Any:
    """Return a git server over ssh on loopback, an agent with the key it takes, and the line that makes it known."""
    image = f"relbuild-test-git:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(HERE / "images" / "git"))
    shared = tmp_path_factory.mktemp("agent")
    container = docker("run", "--detach", *labels, "--publish", "127.0.0.1::22", "--volume", f"{shared}:/agent", image)
    host, port = docker("port", container, "22/tcp").split(":")
    key = docker("exec", container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()
    known = f"[{host}]:{port} {key[0]} {key[1]}\n"
    # A URL of this run's own, as ports come again: the builder knows a step again by its URLs, whatever its secrets.
    docker("exec", "--user", "git", container, "ln", "--symbolic", "ui.git", f"/home/git/ui-{run_id}.git")
    return SimpleNamespace(
        url=f"ssh://git@{host}:{port}/home/git/ui-{run_id}.git", agent=str(shared / "socket"), known=known
    )


def test_git_over_ssh(
    docker: Docker, git: Any, elixir: str, repository: Any, tmp_path: Path, relbuild: Callable[..., Ran], build: Build
) -> None:
    deps = f'{{:ui, git: "{git.url}", tag: "v1.0.0", manager: :mix}}'
    app = write(tmp_path / "gitssh", settings(elixir, repository), deps, "Ui.name()")
    nothing = {"HOME": str(tmp_path), "SSH_AUTH_SOCK": "", "SSH_KNOWN_HOSTS": ""}

    ran = relbuild("image", cwd=app, env=nothing)
    assert ran.exit_code == 2
    assert "the build needs an ssh agent: ui is fetched over ssh" in ran.stderr

    strangers = re.sub(r"AAAA\S+", "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", git.known)
    ran = relbuild("image", cwd=app, env={**nothing, "SSH_AUTH_SOCK": git.agent, "SSH_KNOWN_HOSTS": strangers})
    assert ran.exit_code == 1
    assert "the ssh host key of a git dependency is unknown, or has changed" in ran.stderr

    image = build(app, **{**nothing, "SSH_AUTH_SOCK": git.agent, "SSH_KNOWN_HOSTS": git.known})
    assert evaluated(docker, image, "App.names()") == "ui"
