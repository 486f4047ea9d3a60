"""From a Mix project to a running, migrated container: examples/shop on a real engine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SHOP = REPOSITORY / "examples" / "shop"

# conftest.py's Docker, Cleanup, Database and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def shop(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return the image of examples/shop, built by relbuild."""
    reference = cleanup.image(f"relbuild-test-shop:{run_id}")
    built = relbuild("image", "-C", str(SHOP), "-t", reference)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
    return str(reference)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the shop that a test may change."""
    return Path(shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns("_build", "deps")))


def inspect(docker: Docker, reference: str) -> dict[str, Any]:
    return dict(json.loads(docker("image", "inspect", reference))[0])


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any], log: Callable[[], str]) -> Any:
    deadline = time.monotonic() + 30
    while True:
        try:
            return condition()
        except OSError:
            if time.monotonic() > deadline:
                pytest.fail(log(), pytrace=False)
            time.sleep(0.1)


def test_the_image_carries_its_contract(docker: Docker, shop: str) -> None:
    config = inspect(docker, shop)["Config"]
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == ("10001:10001", ["/app/bin/shop"], ["start"])
    contract = {name: value for name, value in config["Labels"].items() if name.startswith("io.relbuild.")}
    del contract["io.relbuild.built-by"]
    contract.pop("io.relbuild.made-by", None)
    needed = json.loads(contract.pop("io.relbuild.environment"))["variables"]
    assert [(each["name"], each["kind"]) for each in needed] == [
        ("DATABASE_URL", "required"),
        ("POOL_SIZE", "optional"),
        ("PORT", "optional"),
    ]
    assert contract == {
        "io.relbuild.applications": "shop",
        "io.relbuild.migrate": "Shop.Release.migrate()",
        "io.relbuild.pending": "Shop.Release.status()",
        "io.relbuild.release": "shop",
        "io.relbuild.rollback": "Shop.Release.rollback(VERSION)",
        "io.relbuild.root": "/app",
        "io.relbuild.version": "0.1.0",
    }


def test_docker_run_gives_the_releases_commands(docker: Docker, shop: str) -> None:
    assert docker("run", "--rm", shop, "version") == "shop 0.1.0"


def test_no_cookie_is_baked_in(docker: Docker, shop: str) -> None:
    found = docker(
        *("run", "--rm", "--user", "root", "--entrypoint", "sh", shop, "-c"),
        "find /app /tmp -iname '*cookie*' -not -path '/app/lib/*'; find / -xdev -name COOKIE",
    )
    assert found == ""


def test_nothing_of_the_image_is_the_users_own(docker: Docker, shop: str) -> None:
    script = "find / -xdev -user app -o -xdev -path '/app/*' -perm /022 -not -type l"
    assert docker("run", "--rm", "--user", "root", "--entrypoint", "sh", shop, "-c", script) == ""


def test_it_migrates_serves_and_stops(
    docker: Docker, shop: str, database: Any, relbuild: Callable[..., Ran], labels: tuple[str, ...]
) -> None:
    network = ("--network", database.network)
    migrated = relbuild("migrate", shop, *network, "--env", "DATABASE_URL", env={"DATABASE_URL": database.url})
    assert migrated.exit_code == 0, migrated.stderr
    versions = database.psql("SELECT version FROM schema_migrations ORDER BY version").splitlines()
    assert len(versions) >= 3

    started = relbuild(
        *("run", shop, *network, "--detach", "--publish", "127.0.0.1::4000"),
        *("--env", f"DATABASE_URL={database.url}", "--", *labels),
    )
    assert started.exit_code == 0, started.stderr
    container = started.stdout.strip()
    assert database.url not in " ".join(docker("inspect", "--format", "{{json .HostConfig}}", container))
    address = docker("port", container, "4000/tcp")
    products = until(lambda: get(f"http://{address}/products"), lambda: docker("logs", container))
    assert len(products) > 0
    assert get(f"http://{address}/health")

    # No RELEASE_COOKIE was given: the container's own is found by every command in it.
    assert docker("exec", container, "/app/bin/shop", "rpc", "IO.puts(1 + 1)") == "2"
    evaluated = relbuild("version", "--on", f"container:{container}")
    assert (evaluated.exit_code, evaluated.stdout) == (0, "shop 0.1.0\n")

    docker("stop", container)
    # 137 when it had to be killed at the end of its stop timeout.
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"


def test_eval_gives_the_releases_value_and_exit_code(shop: str, relbuild: Callable[..., Ran]) -> None:
    url = ("--env", "DATABASE_URL=postgres://u:p@nowhere.invalid/shop")
    on = ("--on", f"image:{shop}")
    ran = relbuild("eval", 'IO.puts("é " <> hd(System.argv()))', "a 'b\" $c", *on, *url)
    assert (ran.exit_code, ran.stdout) == (0, "é a 'b\" $c\n")
    assert relbuild("eval", "exit({:shutdown, 7})", *on, *url).exit_code == 7
    assert relbuild("eval", 'raise "no"', *on, *url).exit_code == 1
    asked = relbuild("eval", "IO.puts(1)", *on, *url, "--json")
    assert json.loads(asked.stdout)["data"]["output"] == "1\n"
    assert "u:p@nowhere" not in asked.stdout + asked.stderr


def test_a_push_gives_the_digest_a_pull_resolves(
    docker: Docker, shop: str, registry: str, relbuild: Callable[..., Ran], cleanup: Any
) -> None:
    reference = cleanup.image(f"{registry}/acme/shop:1.0")
    pushed = relbuild("image", "-C", str(SHOP), "-t", reference, "--push")
    assert pushed.exit_code == 0, pushed.stderr
    repository, _, digest = pushed.stdout.strip().partition("@")
    assert (repository, digest[:7]) == (f"{registry}/acme/shop", "sha256:")
    request = urllib.request.Request(
        f"http://{registry}/v2/acme/shop/manifests/1.0",
        headers={
            "Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Docker-Content-Digest"] == digest
    docker("image", "rm", "--force", reference)
    assert docker("run", "--rm", pushed.stdout.strip(), "version") == "shop 0.1.0"
    cleanup.image(pushed.stdout.strip())
    # An image that isn't here is pulled for its labels.
    docker("image", "rm", "--force", pushed.stdout.strip())
    assert relbuild("version", reference).stdout == "shop 0.1.0\n"


def test_a_registry_without_tls_is_no_matter_of_logging_in(
    relbuild: Callable[..., Ran], docker: Docker, cleanup: Any, registry: str, labels: tuple[str, ...], run_id: str
) -> None:
    """The engine speaks TLS with it, as it isn't on the loopback address."""
    container = docker("run", "--detach", *labels, f"relbuild-test-registry:{run_id}")
    address = f"{docker('inspect', '--format', '{{.NetworkSettings.IPAddress}}', container)}:5000"
    assert registry != address
    for _ in range(100):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{address}/v2/")
            break
        time.sleep(0.1)
    reference = cleanup.image(f"{address}/shop:{run_id}")
    failed = relbuild("image", "-C", str(SHOP), "-t", reference, "--no-verify", "--push")
    docker("rm", "--force", container)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert (
        f"{address} speaks HTTP without TLS: give it a certificate, or add it to insecure-registries" in failed.stderr
    )
    assert "docker login" not in failed.stderr


def test_several_tags_are_all_printed(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> None:
    references = [cleanup.image(f"relbuild-test-{name}:{run_id}") for name in ("one", "two")]
    built = relbuild("image", "-C", str(SHOP), "--no-verify", "-t", references[0], "-t", references[1])
    assert (built.exit_code, built.stdout.splitlines()) == (0, references)


def test_a_push_that_fails_says_that_the_image_is_here(
    docker: Docker, relbuild: Callable[..., Ran], cleanup: Any, shop: str
) -> None:
    reference = cleanup.image("127.0.0.1:9/shop:1.0")
    failed = relbuild("image", "-C", str(SHOP), "-t", reference, "--push")
    assert (failed.exit_code, failed.stdout) == (75, "")
    assert "can't push 127.0.0.1:9/shop:1.0" in failed.stderr
    assert "tagged; wait until its registry answers; then: docker push 127.0.0.1:9/shop:1.0\n" in failed.stderr
    assert docker("run", "--rm", reference, "version") == "shop 0.1.0"


def test_the_written_dockerfile_builds_without_relbuild(
    docker: Docker, project: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str, shop: str
) -> None:
    assert relbuild("dockerfile", "--write", "-C", str(project)).exit_code == 0
    reference = cleanup.image(f"relbuild-test-plain:{run_id}")
    docker("build", "--quiet", "--tag", reference, str(project))
    assert docker("run", "--rm", reference, "version") == "shop 0.1.0"
    layers = [inspect(docker, each)["RootFS"]["Layers"] for each in (reference, shop)]
    assert layers[0] == layers[1]


def test_one_line_changes_the_projects_layer_alone(
    docker: Docker, project: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str, shop: str
) -> None:
    source = project / "lib" / "shop.ex"
    source.write_text(source.read_text().replace("end\n", "  def changed?, do: true\nend\n", 1))
    reference = cleanup.image(f"relbuild-test-changed:{run_id}")
    assert relbuild("image", "-C", str(project), "-t", reference).exit_code == 0
    before, after = (inspect(docker, each)["RootFS"]["Layers"] for each in (shop, reference))
    changed = [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    # The last is runtime.exs.
    assert changed == [len(after) - 2]


def test_runtime_exs_changes_its_own_layer_alone(
    docker: Docker, project: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str, shop: str
) -> None:
    config = project / "config" / "runtime.exs"
    config.write_text(config.read_text() + 'config :shop, added: "here"\n')
    reference = cleanup.image(f"relbuild-test-runtime:{run_id}")
    assert relbuild("image", "-C", str(project), "-t", reference).exit_code == 0
    before, after = (inspect(docker, each)["RootFS"]["Layers"] for each in (shop, reference))
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
    expression = "IO.write(Application.get_env(:shop, :added))"
    assert docker("run", "--rm", "--env", "DATABASE_URL=x", reference, "eval", expression) == "here"


def test_a_dry_run_prints_what_would_run_and_runs_nothing(
    docker: Docker, project: Path, relbuild: Callable[..., Ran], run_id: str
) -> None:
    reference = f"relbuild-test-dry:{run_id}"
    shown = relbuild("image", "--dry-run", "-t", reference, cwd=project).stdout
    # A script that a command is given goes over several lines.
    verbs = [line.split()[1] for line in shown.splitlines() if line.startswith("docker ")]
    trial = ["run", "exec", "container", "logs", "stop", "container", "rm"]
    assert verbs == ["buildx", *trial, "tag", "image"]
    assert docker("image", "ls", "--quiet", reference) == ""
    # What is printed can be run as it is.
    build = shown.splitlines()[0].split()
    assert Path(build[build.index("--file") + 1]).is_file()


def test_a_failing_build_tags_nothing(docker: Docker, project: Path, relbuild: Callable[..., Ran], run_id: str) -> None:
    (project / "lib" / "shop" / "broken.ex").write_text("defmodule Shop.Broken do\n  def no(, do: 1\nend\n")
    reference = f"relbuild-test-broken:{run_id}"
    failed = relbuild("image", "-C", str(project), "-t", reference)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "error: lib/shop/broken.ex:3:1: the build failed: " in failed.stderr
    assert docker("image", "ls", "--quiet", reference) == ""


def test_a_full_disk_is_named(docker: Docker, project: Path, relbuild: Callable[..., Ran]) -> None:
    config = project / "relbuild.yml"
    # /dev/full gives the error of a full disk without filling one.
    config.write_text(
        config.read_text().replace(
            "builder:", 'builder:\n  steps: {before_compile: ["head -c 1 /etc/passwd > /dev/full"]}', 1
        )
    )
    failed = relbuild("image", "-C", str(project), "-t", "relbuild-test-full:1", "--json")
    assert failed.exit_code == 1
    [error] = json.loads(failed.stdout)["errors"]
    assert error["message"] == "the build failed: no space left on the engine's disk"
    assert "docker builder prune" in error["hint"]


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build_tags_nothing(
    docker: Docker, project: Path, run_id: str, sign: signal.Signals, code: int
) -> None:
    config = project / "relbuild.yml"
    config.write_text(
        config.read_text().replace(
            "builder:", f'builder:\n  steps: {{before_compile: ["echo {sign} && sleep 300"]}}', 1
        )
    )
    reference = f"relbuild-test-interrupted:{run_id}"
    build = subprocess.Popen(
        (sys.executable, "-m", "relbuild", "image", "-C", str(project), "-t", reference),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert build.stderr is not None
    for line in build.stderr:
        if b"sleep 300" in line and b"RUN" in line:
            break
    time.sleep(1)
    build.send_signal(sign)
    out, err = build.communicate(timeout=60)
    assert (build.returncode, out) == (code, b""), err.decode()
    assert b"Traceback" not in err
    assert docker("image", "ls", "--quiet", reference) == ""


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_verification_leaves_nothing(
    docker: Docker, project: Path, run_id: str, sign: signal.Signals, code: int
) -> None:
    # A name of its own: that of the candidate image.
    named = f"verified{code}{run_id}"
    mix = project / "mix.exs"
    mix.write_text(mix.read_text().replace("shop: [", f"{named}: [", 1))
    (project / "config" / "runtime.exs").write_text("Process.sleep(300_000)\n")
    build = subprocess.Popen(
        (sys.executable, "-m", "relbuild", "image", "-C", str(project), "-t", f"relbuild-test-{named}:1"),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert build.stderr is not None
    for line in build.stderr:
        if b"verifying the image" in line:
            break
    build.send_signal(sign)
    out, err = build.communicate(timeout=60)
    assert (build.returncode, out) == (code, b""), err.decode()
    assert err.decode().splitlines()[-1].startswith("error: ")
    assert docker("image", "ls", "--quiet", f"relbuild-candidate/{named}") == ""
    assert docker("image", "ls", "--quiet", f"relbuild-test-{named}") == ""


@pytest.mark.parametrize("name", ['it\'s a "shop" $HOME', "ladegerät 商店", "two\nlines", "-C"])
def test_any_project_path(
    docker: Docker, project: Path, tmp_path: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str, name: str
) -> None:
    moved = project.rename(tmp_path / name)
    reference = cleanup.image(f"relbuild-test-path:{run_id}")
    built = relbuild("image", "-t", reference, cwd=moved)
    assert built.exit_code == 0, built.stderr
    # Nothing has changed; with another cache that isn't known, and it is built.
    anew = {"XDG_CACHE_HOME": os.fspath(tmp_path / "cache")}
    assert relbuild("image", "-C", os.fspath(moved), "-t", reference, env=anew).exit_code == 0


def test_a_secret_that_is_missing_is_told_before_the_build(
    project: Path, relbuild: Callable[..., Ran], docker: Docker
) -> None:
    config = project / "relbuild.yml"
    config.write_text(config.read_text().replace("builder:", "builder:\n  secrets: [SHOP_TEST_KEY]", 1))
    failed = relbuild("image", "-C", str(project))
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert "SHOP_TEST_KEY" in failed.stderr
    assert "#1" not in failed.stderr


def test_a_secret_stays_out_of_the_image(
    docker: Docker, project: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    secret = f"s3cret-{run_id}"
    config = project / "relbuild.yml"
    config.write_text(
        config.read_text().replace(
            "builder:",
            "builder:\n  secrets: [SHOP_TEST_KEY]\n"
            f"  steps: {{before_deps: ['test ${{#SHOP_TEST_KEY}} -eq {len(secret)}']}}",
            1,
        )
    )
    reference = cleanup.image(f"relbuild-test-secret:{run_id}")
    built = relbuild("image", "-C", str(project), "-t", reference, "-v", env={"SHOP_TEST_KEY": secret})
    assert built.exit_code == 0, built.stderr
    history = docker("history", "--no-trunc", reference)
    assert secret not in built.stderr + history + json.dumps(inspect(docker, reference))


def test_a_project_without_relbuild_yml(
    docker: Docker, tmp_path: Path, relbuild: Callable[..., Ran], cleanup: Any, small_elixir: str, run_id: str
) -> None:
    """The default image comes from Docker Hub, which isn't reached here: Debian's Elixir stands in for it."""
    golden = REPOSITORY / "tests" / "golden" / "mix-new" / "project"
    project = Path(shutil.copytree(golden, tmp_path / "hello"))
    planned = json.loads(relbuild("plan", "--json", cwd=project).stdout)["data"]
    docker("tag", small_elixir, cleanup.image(planned["builder"]["image"]))
    docker("tag", "debian:trixie-slim", cleanup.image(planned["runner"]["image"]))
    reference = cleanup.image(f"relbuild-test-hello:{run_id}")
    built = relbuild("image", "-t", reference, cwd=project)
    assert built.exit_code == 0, built.stderr
    assert docker("run", "--rm", reference, "eval", "IO.inspect(Hello.hello())") == ":world"


TINY = """defmodule Tiny.MixProject do
  use Mix.Project

  def project do
    [app: :tiny, version: "0.1.0", elixir: "~> 1.14", deps: []]
  end
end
"""


def tiny(directory: Path, says: str) -> Path:
    """Write a project that builds in seconds and return its directory."""
    (directory / "lib").mkdir(parents=True)
    (directory / "mix.exs").write_text(TINY)
    (directory / "lib" / "tiny.ex").write_text(f'defmodule Tiny do\n  def says, do: "{says}"\nend\n')
    (directory / "relbuild.yml").write_text("toolchain: debian\ndebian: trixie\n")
    return directory


def test_two_checkouts_of_one_project_never_share_code(
    docker: Docker, tmp_path: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    """Equal sizes, and times that tell nothing: the second is older than the first one's build."""
    checkouts = {says: tiny(tmp_path / says, says) for says in ("CCCC", "DDDD")}
    for says, directory in checkouts.items():
        os.utime(directory / "lib" / "tiny.ex", (1_700_000_000, 1_700_000_000))
        reference = cleanup.image(f"relbuild-test-tiny-{says.lower()}:{run_id}")
        built = relbuild("image", "-t", reference, cwd=directory)
        assert built.exit_code == 0, built.stderr
        assert docker("run", "--rm", reference, "eval", "IO.puts(Tiny.says())") == says


def test_two_builds_of_one_project_at_once(
    docker: Docker, tmp_path: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    """They take up what the same earlier builds have left, and leave what the next one takes up."""
    references = {says: cleanup.image(f"relbuild-test-at-once-{says.lower()}:{run_id}") for says in ("EEEE", "FFFF")}
    with ThreadPoolExecutor() as at_once:
        building = {
            says: at_once.submit(relbuild, "image", "-t", reference, cwd=tiny(tmp_path / says, says))
            for says, reference in references.items()
        }
    for says, reference in references.items():
        built = building[says].result()
        assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
        assert docker("run", "--rm", reference, "eval", "IO.puts(Tiny.says())") == says


def test_names_and_commands_that_dockerfile_could_misread(
    docker: Docker, tmp_path: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    project = tiny(tmp_path / "odd", "odd")
    names = ["it's", 'q"uote', "st*r[1]", "$HOME", "#hash", "--from=x", "<<EOF", "two words", "ünï"]
    for name in names:
        (project / name).write_text(name)
        (project / "priv").mkdir(exist_ok=True)
        (project / "priv" / name).write_text(name)
    (project / "rel" / "overlays").mkdir(parents=True)
    (project / "rel" / "overlays" / ".hidden").write_text("hidden")
    (project / "relbuild.yml").write_text(
        "toolchain: debian\ndebian: trixie\nbuilder:\n  steps:\n"
        "    before_compile:\n"
        '      - "cat >priv/heredoc <<EOF\\nin a $HOME\\nEOF"\n'
        '      - "[ -f priv/heredoc ]"\n'
        '      - "  printf %s \\"a b\\" >priv/spaced"\n'
    )
    reference = cleanup.image(f"relbuild-test-odd:{run_id}")
    built = relbuild("image", "-t", reference, cwd=project)
    assert built.exit_code == 0, built.stderr
    script = 'cat /app/.hidden; cd /app/lib/tiny-*/priv; for file in *; do printf \'|%s=\' "$file"; cat "./$file"; done'
    shown = docker("run", "--rm", "--entrypoint", "sh", reference, "-c", script)
    expected = {**{name: name for name in names}, "heredoc": "in a /root\n", "spaced": "a b"}
    assert shown == "hidden" + "".join(f"|{name}={expected[name]}" for name in sorted(expected))


@pytest.mark.parametrize("options", [("--tmpfs", "/tmp"), ()], ids=["tmpfs", "nothing to write to"])
def test_rpc_without_a_cookie_on_a_read_only_root(
    docker: Docker, shop: str, labels: tuple[str, ...], options: tuple[str, ...]
) -> None:
    container = docker(
        *("run", "--detach", "--read-only", *options, *labels),
        *("--env", "DATABASE_URL=postgres://u:p@127.0.0.1:9/none", shop),
    )
    deadline = time.monotonic() + 30
    rpc = ("docker", "exec", container, "/app/bin/shop", "rpc", "IO.puts(40 + 2)")
    while (ran := subprocess.run(rpc, capture_output=True, text=True)).returncode and time.monotonic() < deadline:
        time.sleep(0.3)
    docker("rm", "--force", container)
    assert ran.stdout == "42\n", ran.stderr
