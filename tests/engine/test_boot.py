"""Whether an image boots its release: what fails, what is not verified, and what boots, on a real engine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any

MIX = """defmodule Shop.MixProject do
  use Mix.Project

  def project, do: [app: :shop, version: "0.1.0", elixir: "~> 1.14", deps: []]

  def application, do: [extra_applications: [:logger], mod: {Shop.Application, []}]
end
"""
EMPTY = "def start(_, _), do: Supervisor.start_link([], strategy: :one_for_one)"
# Each fault of start/2 by the name that runtime.exs gives it.
START = """@limit Application.compile_env(:shop, :limit, 1)
  require Logger

  def start(_, _) do
    case Application.get_env(:shop, :fault) do
      nil -> :ok
      :mix -> Mix.env()
      :helper -> Shop.Helper.go()
      :file -> File.read!(Application.app_dir(:shop, "priv/none.json"))
      :eval -> Code.eval_file("config/seeds.exs")
      :match -> {:ok, _} = {:error, :invalid}
      :setting -> [] = Application.fetch_env!(:shop, :missing)
      :raise -> raise "no license,\\nbuy one"
      :service -> {:ok, _} = :gen_tcp.connect(~c"localhost", 5432, [])
      :value -> case Application.fetch_env!(:shop, :secret) do "eu" -> :ok end
      :mounted -> File.read!("/run/secrets/license")
      :slow -> Process.sleep(1500)
      :later -> spawn(fn -> Process.sleep(1000) && System.stop(3) end)
      :logs -> for n <- 1..10, do: Logger.info("line #{n}") && IO.puts("line #{n}")
      :errors -> Logger.error("no disk for #{@limit}")
      :listens -> {:ok, _} = :gen_tcp.listen(4000, [])
      :loopback -> {:ok, _} = :gen_tcp.listen(4000, ip: {127, 0, 0, 1})
      :child -> :ok
    end

    children = if Application.get_env(:shop, :fault) == :child, do: [Shop.Child], else: []
    Supervisor.start_link(children, strategy: :one_for_one)
  end
end

defmodule Shop.Child do
  use GenServer
  def start_link(_), do: GenServer.start_link(__MODULE__, [])
  def init(_), do: {:stop, :no_config}"""
RELEASE = "/app/releases/0.1.0"
SECRET = 'config :shop, secret: System.fetch_env!("SHOP_SECRET")\n'


def project(directory: Path, start: str, **files: str) -> Path:
    """Write a project without dependencies; its relbuild.yml names Debian's own Elixir."""
    texts = {
        "mix.exs": MIX,
        "relbuild.yml": "toolchain: debian\ndebian: trixie\n",
        "config/config.exs": "import Config\n",
        "lib/shop.ex": f"defmodule Shop.Application do\n  use Application\n  {start}\nend\n",
        **files,
    }
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return an image whose release requires SHOP_SECRET."""
    root = project(tmp_path_factory.mktemp("shop"), START, **{"config/runtime.exs": f"import Config\n{SECRET}"})
    reference = cleanup.image(f"relbuild-test-boots:{run_id}")
    built = relbuild("image", "-t", reference, cwd=root)
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture
def changed(shop: str, docker: Docker, labels: tuple[str, ...], cleanup: Any, run_id: str) -> Callable[..., str]:
    """Return a function that writes another runtime.exs into the image."""

    def change(runtime: str, more: str = "") -> str:
        reference = cleanup.image(f"relbuild-test-boots-changed:{run_id}")
        file = f"COPY --chmod=0644 <<'TEXT' {RELEASE}/runtime.exs\n{runtime}TEXT\n"
        docker("build", "--quiet", "--tag", reference, *labels, "-", stdin=f"FROM {shop}\n{file}{more}")
        return str(reference)

    return change


def findings(ran: Ran) -> dict[str, tuple[str, str, str]]:
    """Return the findings by check, as (status, message, hint)."""
    found = json.loads(ran.stdout)["data"]["findings"]
    return {each["check"]: (each["status"], each["message"], each["hint"] or "") for each in found}


HELPER = """import Config
Code.require_file("helper.exs", __DIR__)
config :shop, x: ConfigHelper.x(), s: System.fetch_env!("SHOP_SECRET")
"""


@pytest.mark.parametrize(
    ("start", "files", "reason"),
    [
        (
            EMPTY,
            {"config/runtime.exs": HELPER, "config/helper.exs": "defmodule ConfigHelper do\n  def x, do: 1\nend\n"},
            "** (Code.LoadError) could not load /app/releases/0.1.0/helper.exs. Reason: enoent",
        ),
        (
            EMPTY,
            {"config/runtime.exs": f"import Config\nif Mix.env() == :prod do\n  {SECRET}end\n"},
            "** (UndefinedFunctionError) function Mix.env/0 is undefined",
        ),
        (
            "def start(_, _) do\n    [] = Application.fetch_env!(:shop, :missing)\n    Supervisor.start_link([], "
            "strategy: :one_for_one)\n  end",
            {},
            "** (ArgumentError) could not fetch application environment :missing for application :shop",
        ),
    ],
)
def test_an_image_that_no_variable_makes_boot_is_not_tagged(
    tmp_path: Path,
    relbuild: Callable[..., Ran],
    docker: Docker,
    cleanup: Any,
    run_id: str,
    start: str,
    files: dict[str, str],
    reason: str,
) -> None:
    reference = cleanup.image(f"relbuild-test-untagged:{run_id}")
    failed = relbuild("image", "-t", reference, cwd=project(tmp_path, start, **files))
    assert failed.exit_code == 1
    assert f"error: the image wasn't tagged: boot: it doesn't boot: {reason}" in failed.stderr
    assert docker("image", "ls", "--quiet", reference) == ""


def fault(name: str) -> str:
    return f"import Config\n{SECRET}config :shop, fault: :{name}\n"


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        (fault("mix"), "** (UndefinedFunctionError) function Mix.env/0 is undefined"),
        (fault("helper"), "** (UndefinedFunctionError) function Shop.Helper.go/0 is undefined"),
        (fault("file"), '** (File.Error) could not read file "/app/lib/shop-0.1.0/priv/none.json": no such file'),
        (fault("eval"), "** (Code.LoadError) could not load "),
        (fault("match"), "** (MatchError) no match of right hand side value: {:error, :invalid}"),
        (fault("setting"), "** (ArgumentError) could not fetch application environment :missing"),
        (fault("raise"), "** (RuntimeError) no license,\nbuy one"),
        (fault("child"), "Shop.Child doesn't start: :no_config"),
        (f"import Config\n{SECRET}config :shop, limit: 2\n", "the application :shop has a different value set for key"),
        (
            f"import Config\n{SECRET}[] = Application.fetch_env!(:shop, :missing)\n",
            "** (ArgumentError) could not fetch",
        ),
        (f"import Config\n{SECRET}Mix.Project.config()\n", "** (UndefinedFunctionError) function Mix.Project.config/0"),
    ],
)
def test_what_no_variable_changes_fails(
    changed: Callable[..., str], relbuild: Callable[..., Ran], runtime: str, reason: str
) -> None:
    verified = relbuild("verify", changed(runtime), "--json")
    status, message, hint = findings(verified)["boot"]
    assert (verified.exit_code, status, bool(hint)) == (1, "failed", True), message
    assert message.startswith(f"it doesn't boot: {reason}")


def test_a_configuration_that_does_not_compile_fails(changed: Callable[..., str], relbuild: Callable[..., Ran]) -> None:
    verified = relbuild("verify", changed(f"import Config\n{SECRET}config :shop, x: f(1)\n"), "--json")
    # The VM may end before it has written what the compiler says of the line.
    status, message, hint = findings(verified)["boot"]
    assert (verified.exit_code, status) == (1, "failed")
    assert "releases/0.1.0/runtime.exs" in message
    assert hint == "correct config/runtime.exs, which the release evaluates when it starts"


@pytest.mark.parametrize(
    ("runtime", "why", "named"),
    [
        (fault("service"), "it needs a service", "--network"),
        (fault("value"), "it fails with the stand-in value of SHOP_SECRET", "verify: {env: {SHOP_SECRET: VALUE}}"),
        (fault("mounted"), "it needs a file that is not in the image", "mounted"),
        (
            f'import Config\n{SECRET}config :shop, t: System.fetch_env!("TOKEN")\n',
            "it needs TOKEN",
            "verify: {env: {TOKEN: VALUE}}",
        ),
        (
            'import Config\nsecret = System.fetch_env!("SHOP_SECRET")\n\n{:ok, _} = Version.parse(secret)\n',
            "it fails in runtime.exs, where it reads SHOP_SECRET",
            "verify: {env: {SHOP_SECRET: VALUE}}",
        ),
    ],
)
def test_what_a_trial_lacks_is_named_with_what_would_verify_it(
    changed: Callable[..., str], relbuild: Callable[..., Ran], runtime: str, why: str, named: str
) -> None:
    verified = relbuild("verify", changed(runtime), "--json")
    status, message, hint = findings(verified)["boot"]
    assert (verified.exit_code, status) == (0, "warning"), message
    assert message.startswith(f"not verified: {why}: ")
    assert named in hint


def test_the_environment_of_relbuild_yml_and_of_options(
    changed: Callable[..., str], relbuild: Callable[..., Ran], tmp_path: Path
) -> None:
    image = changed(fault("value"))
    root = project(tmp_path, EMPTY)
    (root / "relbuild.yml").write_text("verify: {env: {SHOP_SECRET: eu}}\n")
    booted = findings(relbuild("verify", image, "--json", cwd=root))["boot"]
    assert (booted[0], booted[1].partition(";")[0]) == ("ok", "it boots on a read-only root")
    failed = relbuild("verify", image, "--json", "--env", "SHOP_SECRET=us", cwd=root)
    assert (failed.exit_code, findings(failed)["boot"][0]) == (1, "failed")


def test_the_errors_that_it_logs_and_its_end_after_the_boot(
    changed: Callable[..., str], relbuild: Callable[..., Ran]
) -> None:
    errors = findings(relbuild("verify", changed(fault("errors")), "--json"))
    assert errors["boot"][0] == "ok"
    assert errors["log"][:2] == ("warning", "it logs an error while it boots:\nno disk for 1")
    assert findings(relbuild("verify", changed(fault("slow")), "--json"))["boot"][0] == "ok"
    assert findings(relbuild("verify", changed(fault("later")), "--json"))["boot"][0] == "failed"


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("listens", "ok", "it listens on port 4000"),
        ("loopback", "warning", "it listens on 127.0.0.1:4000 alone, which nothing outside of the container reaches"),
        ("errors", "warning", "nothing listens on port 4000"),
    ],
)
def test_the_port_that_the_image_exposes(
    changed: Callable[..., str], relbuild: Callable[..., Ran], name: str, status: str, message: str
) -> None:
    verified = relbuild("verify", changed(fault(name), more="EXPOSE 4000\n"), "--json")
    assert findings(verified)["port"][:2] == (status, message)


@pytest.mark.parametrize(
    ("env_sh", "message"),
    [
        ("export RELEASE_DISTRIBUTION=none", "it boots on a read-only root"),
        ("export RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@127.0.0.1", "it boots on a read-only root"),
        ("export RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$(hostname -i)", "it boots on a read-only root"),
        ('export ERL_AFLAGS="-proto_dist inet_tcp" ELIXIR_ERL_OPTIONS="+fnu"', "it boots on a read-only root"),
        ('export ERL_ZFLAGS="+fnu"', "it stays up on a read-only root"),
    ],
)
def test_what_env_sh_sets_does_not_blind_the_trial(
    changed: Callable[..., str], relbuild: Callable[..., Ran], env_sh: str, message: str
) -> None:
    append = f"USER root\nRUN echo {shlex.quote(env_sh)} >>{RELEASE}/env.sh\nUSER 10001:10001\n"
    verified = relbuild("verify", changed(f"import Config\n{SECRET}", append), "--json")
    status, found, _ = findings(verified)["boot"]
    assert (verified.exit_code, status) == (0, "ok"), found
    assert found.startswith(f"{message} with stand-in values for SHOP_SECRET")


def test_an_application_that_logs_when_it_starts_has_one_verdict(
    changed: Callable[..., str], relbuild: Callable[..., Ran]
) -> None:
    image = changed(fault("logs"))
    for _ in range(6):
        verified = relbuild("verify", image, "--json")
        status, message, _ = findings(verified)["boot"]
        assert (verified.exit_code, status) == (0, "ok"), message
        assert message.startswith("it boots on a read-only root with ")
