"""What came of a trial → findings: what fails, what isn't verified, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relbuild.errors import Mark
from relbuild.image.findings import Finding
from relbuild.image.verify.boot import TrialSetup, judge_boot
from relbuild.image.verify.trial import Boot, Socket, stand_ins
from relbuild.mix.environment import Contract, Requirement, Use, Variable
from relbuild.mix.environment.conditions import ALWAYS, OneOf

AT = Mark("config/runtime.exs", 3)
RUNTIME = """\
import Config

key = System.fetch_env!("SHOP_KEY")
region = System.get_env("REGION")

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise "environment variable DATABASE_URL is missing"

  {:ok, parsed} = Shop.Url.parse(database_url)

  config :shop, Shop.Repo,
    host: parsed.host,
    port: parsed.port
end

{:ok, decoded} = Shop.Key.decode(key)
[] = Application.fetch_env!(:shop, :missing)
config :shop, level: region
"""


def variable(name: str, use: Use | None = None, message: str | None = None) -> Variable:
    return Variable(name, AT, requirements=(Requirement(OneOf(name, frozenset({None})), ALWAYS, AT, message),), use=use)


CONTRACT = Contract(
    (
        variable("DATABASE_URL", Use("url", scheme="ecto")),
        variable("SHOP_KEY", message="generate a key with shop.gen\nand keep it"),
        variable("CERT", Use("file")),
        Variable("REGION", AT),
    )
)
SETUP = TrialSetup(30, contract=CONTRACT, stand_ins=stand_ins(CONTRACT, {}), runtime=RUNTIME)
BARE = TrialSetup(30, contract=Contract())
GIVEN = replace(BARE, given=frozenset({"SHOP_KEY", "DATABASE_URL", "CERT"}), contract=CONTRACT, runtime=RUNTIME)
UNKNOWN = TrialSetup(30, own=False)
BOOTED = Boot("", 0, "booted", 1.25)
VALUES = "DATABASE_URL, SHOP_KEY, CERT"


def exception(message: str, line: int | None = None) -> Boot:
    """Return a boot that ends with an exception, at a line of runtime.exs or in start/2."""
    if line is not None:
        place = f"    /app/releases/0.1.0/runtime.exs:{line}: (file)\n"
        return Boot(f"ERROR! Config provider Config.Reader failed with:\n{message}\n{place}", 1)
    return Boot(
        f"[notice] Application shop exited: \n        {message}\n            (shop 0.1.0) lib/app.ex:5: a/1\n", 1
    )


def judged(boot: Boot, setup: TrialSetup) -> Finding:
    first, *_ = judge_boot(boot, setup)
    return first


PLAIN_BUGS = [
    exception("** (UndefinedFunctionError) function Mix.env/0 is undefined (module Mix is not available)", 2),
    exception(
        "** (UndefinedFunctionError) function Shop.Helper.go/0 is undefined (module Shop.Helper is not available)"
    ),
    exception("** (Code.LoadError) could not load /app/releases/0.1.0/helper.exs. Reason: enoent", 2),
    exception("** (Code.LoadError) could not load /app/config/seeds.exs. Reason: enoent"),
    exception('** (File.Error) could not read file "/app/lib/shop-0.1.0/priv/x": no such file or directory'),
    exception('** (File.Error) could not read file "priv/x.json": no such file or directory', 3),
    exception("** (MatchError) no match of right hand side value: {:error, :invalid_key}"),
    exception("** (MatchError) no match of right hand side value: :error", 19),
    exception("** (ArgumentError) could not fetch application environment :missing for application :shop", 19),
    exception("** (RuntimeError) no license"),
    Boot('ended ("{application_start_failure,shop,{{shutdown,{failed_to_start_child,a,no_config}},x}}")', 1),
    Boot(
        "ERROR! the application :shop has a different value set for key :x during runtime compared to compile time.", 1
    ),
    exception("** (CompileError) releases/1.0.0/runtime.exs:18: undefined function f/1", 18),
    exception('** (File.Error) could not write to file "/app/x": read-only file system'),
    Boot("Failed to create cookie file '/app/.erlang.cookie': eacces\n", 1),
]


@pytest.mark.parametrize("setup", [SETUP, BARE, GIVEN])
@pytest.mark.parametrize("boot", PLAIN_BUGS)
def test_what_no_variable_changes_fails(boot: Boot, setup: TrialSetup) -> None:
    finding = judged(boot, setup)
    assert finding.status == "failed"
    assert finding.message.startswith("it doesn't boot: ")
    assert finding.hint


KEY = "add to relbuild.yml: verify: {env: {SHOP_KEY: VALUE}}, or verify: {env_file: FILE}"
DATABASE = "add to relbuild.yml: verify: {env: {DATABASE_URL: VALUE}}, or verify: {env_file: FILE}"
NETWORK = "relbuild verify IMAGE --network NAME --env-file FILE tries it where that is"


@pytest.mark.parametrize(
    ("boot", "why", "hint"),
    [
        # A value that isn't accepted: by its requirement's message, by its value, by the statement that depends on it.
        (
            exception("** (RuntimeError) generate a key with shop.gen"),
            "it doesn't accept the stand-in value of SHOP_KEY",
            KEY,
        ),
        (exception("** (RuntimeError) SHOP_KEY has 8 bytes"), "it doesn't accept the stand-in value of SHOP_KEY", KEY),
        (
            exception("** (ArgumentError) the database URL should start with cockroach://"),
            "it doesn't accept the stand-in value of DATABASE_URL",
            DATABASE,
        ),
        (
            exception('** (CaseClauseError) no case clause matching: "relbuild.invalid"'),
            "it fails with the stand-in value of DATABASE_URL",
            DATABASE,
        ),
        (
            exception('** (File.Error) could not read file "/tmp/relbuild-cert": no such file or directory'),
            "it fails with the stand-in value of CERT",
            "add to relbuild.yml: verify: {env: {CERT: VALUE}}, or verify: {env_file: FILE}",
        ),
        (
            exception("** (MatchError) no match of right hand side value: :error", 18),
            "it fails in runtime.exs, where it reads SHOP_KEY",
            KEY,
        ),
        (
            exception("** (KeyError) key :host not found", 13),
            "it fails in runtime.exs, where it reads DATABASE_URL",
            DATABASE,
        ),
        (
            exception("** (ArgumentError) not a level", 20),
            "it fails in runtime.exs, where it reads REGION",
            "add to relbuild.yml: verify: {env: {REGION: VALUE}}, or verify: {env_file: FILE}",
        ),
        # A variable that the contract doesn't know.
        (
            exception('** (System.EnvError) could not fetch environment variable "TOKEN" because it is not set'),
            "it needs TOKEN",
            "add to relbuild.yml: verify: {env: {TOKEN: VALUE}}, or verify: {env_file: FILE}",
        ),
        (
            exception("** (RuntimeError) no LICENSE_FILE"),
            "it needs LICENSE_FILE",
            "add to relbuild.yml: verify: {env: {LICENSE_FILE: VALUE}}, or verify: {env_file: FILE}",
        ),
        (
            Boot("/app/releases/0.1.0/env.sh: 3: POD_IP: parameter not set\n", 2),
            "it needs POD_IP",
            "add to relbuild.yml: verify: {env: {POD_IP: VALUE}}, or verify: {env_file: FILE}",
        ),
        # What a trial without a network doesn't have, and a file that is mounted.
        (
            exception("** (DBConnection.ConnectionError) tcp connect (relbuild.invalid:5432): connection refused"),
            "it needs a service",
            NETWORK,
        ),
        (
            exception("** (MatchError) no match of right hand side value: {:error, :econnrefused}"),
            "it needs a service",
            NETWORK,
        ),
        (Boot("Can't set long node name!\nPlease check your configuration\n", 1), "it needs the network", NETWORK),
        (
            exception('** (File.Error) could not read file "/run/secrets/key": no such file or directory'),
            "it needs a file that is not in the image",
            "add it in rel/overlays/ or the Dockerfile, unless it is mounted where the release runs",
        ),
    ],
)
def test_what_follows_from_what_a_trial_lacks_is_not_verified(boot: Boot, why: str, hint: str) -> None:
    finding = judged(boot, SETUP)
    assert (finding.status, finding.hint) == ("warning", hint)
    assert finding.message.startswith(f"not verified: {why}: ")


def test_a_flag_of_the_vm_that_is_made_of_a_stand_in_is_not_verified() -> None:
    usage = "Usage: beam.smp [flags] [ -- [init_args] ]\n-hmaxel bool   enable or disable error_logger report\n"
    found = judged(Boot(usage, 1), SETUP)
    assert (found.status, found.message.partition(":")[0]) == ("warning", "not verified")
    assert "the VM refuses a flag made of the stand-in value of" in found.message
    assert judged(Boot(usage, 1), BARE).status == "failed"


def test_a_raise_that_depends_on_a_variable_names_it() -> None:
    text = 'def start(_, _) do\n  unless System.get_env("LICENSE") do\n\n\n    raise "no license"\n  end\nend\n'
    here = replace(SETUP, source={"lib/app.ex": text}.get)
    assert judged(exception("** (RuntimeError) no license"), here) == Finding(
        "boot",
        "warning",
        "not verified: it fails in lib/app.ex, where it reads LICENSE: ** (RuntimeError) no license",
        "add to relbuild.yml: verify: {env: {LICENSE: VALUE}}, or verify: {env_file: FILE}",
    )
    plain = replace(SETUP, source={"lib/app.ex": text.replace('System.get_env("LICENSE")', "enabled?()")}.get)
    assert judged(exception("** (RuntimeError) no license"), plain).status == "failed"


def test_a_given_value_that_is_not_accepted_fails() -> None:
    boot = exception("** (RuntimeError) SHOP_KEY has 8 bytes")
    assert judged(boot, GIVEN) == Finding(
        "boot",
        "failed",
        "it doesn't boot with the SHOP_KEY that it is given: ** (RuntimeError) SHOP_KEY has 8 bytes",
        "give SHOP_KEY another value",
    )


def test_with_a_network_a_service_that_does_not_answer_is_a_fault() -> None:
    refused = exception("** (MatchError) no match of right hand side value: {:error, :econnrefused}")
    assert judged(refused, replace(GIVEN, network=True)).status == "failed"
    invalid = exception("** (RuntimeError) relbuild.invalid:5432: non-existing domain - :nxdomain")
    found = judged(invalid, replace(SETUP, network=True))
    assert found.message.startswith("not verified: it fails with the stand-in value of DATABASE_URL: ")


def test_an_image_whose_variables_nobody_knows() -> None:
    for boot in (exception("** (ArgumentError) not a binary: nil", 3), exception("** (RuntimeError) no license")):
        finding = judged(boot, UNKNOWN)
        assert finding.status == "warning"
        assert finding.message.startswith("not verified: relbuild doesn't know which variables it needs: ** (")
        assert finding.hint == "relbuild verify IMAGE --env NAME=VALUE, or --env-file FILE"
        assert judged(boot, replace(UNKNOWN, given=frozenset({"A"}))).status == "failed"
    assert judged(PLAIN_BUGS[0], UNKNOWN).status == "failed"


def test_the_author_s_message_is_shown_with_all_its_lines() -> None:
    missing = "environment variable KEY is missing.\nYou can generate one by calling: mix phx.gen.secret"
    codes = ",".join(map(str, missing.encode()))
    boot = Boot(
        f"Runtime terminating during boot ({{#{{message=><<{codes}>>,'__struct__'=>'Elixir.RuntimeError'}},[]}})", 1
    )
    assert judged(boot, UNKNOWN).message == f"not verified: it needs KEY: ** (RuntimeError) {missing}"


@pytest.mark.parametrize(
    ("boot", "setup", "status", "message"),
    [
        (BOOTED, BARE, "ok", "it boots on a read-only root; SIGTERM stops it in 1.2 s"),
        (
            BOOTED,
            SETUP,
            "ok",
            f"it boots on a read-only root with stand-in values for {VALUES}; SIGTERM stops it in 1.2 s",
        ),
        (
            replace(BOOTED, state="up"),
            BARE,
            "ok",
            "it stays up on a read-only root (whether its applications have started isn't known, as its start script "
            "sets ERL_ZFLAGS); SIGTERM stops it in 1.2 s",
        ),
        (
            replace(BOOTED, state="slow"),
            BARE,
            "warning",
            "not verified: its applications haven't all started within 60 s; SIGTERM stops it in 1.2 s",
        ),
        (Boot("", 137, "booted", 30.1), BARE, "failed", "SIGTERM doesn't stop it within 30 s: it had to be killed"),
        (
            Boot("", 137, "up", 30.1),
            BARE,
            "warning",
            "not verified: whether it has booted isn't known, and SIGTERM doesn't stop it within 30 s",
        ),
        (Boot("", 1, "booted", 0.5), BARE, "failed", "SIGTERM stops it with exit code 1, not 0"),
        (BOOTED, replace(BARE, stop_signal="SIGQUIT"), "ok", "it boots on a read-only root; SIGQUIT stops it in 1.2 s"),
        (Boot("", 0), BARE, "note", "it ends by itself, with exit code 0: whether it stops was not tried"),
        (
            Boot("exec /app/bin/shop: exec format error", 255),
            BARE,
            "note",
            "not verified: this engine can't run programs of the image's platform",
        ),
        (Boot("", 137, out_of_memory=True), BARE, "warning", "not verified: the kernel killed it for its memory"),
        (Boot("", 137), BARE, "warning", "not verified: something killed it: exit code 137"),
        (Boot("", 1), BARE, "failed", "it doesn't boot: exit code 1"),
    ],
)
def test_how_it_boots_and_stops(boot: Boot, setup: TrialSetup, status: str, message: str) -> None:
    finding = judged(boot, setup)
    assert (finding.status, finding.message) == (status, message)


@pytest.mark.parametrize(
    ("signal", "boot", "message"),
    [
        ("SIGINT", Boot("", 137, "booted", 30.1), "SIGINT doesn't stop it within 30 s: it had to be killed"),
        ("SIGUSR1", Boot("", 1, "booted", 0.1), "SIGUSR1 stops it with exit code 1, not 0"),
        (
            "SIGKILL",
            Boot("", 137, "booted", 0.1),
            "its stop signal kills it at once: nothing that it does can end in good order",
        ),
    ],
)
def test_a_stop_signal_of_the_image_s_own(signal: str, boot: Boot, message: str) -> None:
    assert judged(boot, replace(BARE, stop_signal=signal)) == Finding(
        "boot",
        "failed",
        message,
        f"SIGTERM stops a release; the image has STOPSIGNAL {signal}: remove it from the Dockerfile",
    )


DAEMON = "docker: Error response from daemon: "
RUNC = f"{DAEMON}failed to create task: unable to start container process: "
TOOLS = (
    "bin/NAME needs a shell and sed, cut, cat, od, awk, grep, date, readlink and dirname in the image, and the "
    "programs that env.sh calls"
)
DOCKER = "docker reports it for every start: correct what it names, such as ENTRYPOINT, CMD, USER or WORKDIR"


@pytest.mark.parametrize(
    ("output", "message", "hint"),
    [
        ("/app/bin/shop: 60: sed: not found\n", "it doesn't start: /app/bin/shop: 60: sed: not found", TOOLS),
        ("sh: line 3: curl: command not found\n", "it doesn't start: sh: line 3: curl: command not found", TOOLS),
        (
            f'{RUNC}exec: "sh": executable file not found in $PATH: unknown\n',
            'it doesn\'t start: docker: exec: "sh": executable file not found in $PATH',
            TOOLS,
        ),
        (
            f"{DAEMON}unable to find user shop: no matching entries in passwd file\n",
            "it can't be started: docker: unable to find user shop: no matching entries in passwd file",
            "name the user by number: USER 10001:10001",
        ),
        (f"{DAEMON}network backend not found\n", "it can't be started: docker: network backend not found", DOCKER),
        (
            "exec /app/bin/shop: no such file or directory\n",
            "it can't be started: exec /app/bin/shop: no such file or directory",
            DOCKER,
        ),
    ],
)
def test_what_can_not_be_started(output: str, message: str, hint: str) -> None:
    assert judged(Boot(output, 127), SETUP) == Finding("boot", "failed", message, hint)


LOG = """\
12:00:00.000 [info] started
12:00:00.000 [error] GenServer Shop.Disk terminating
** (File.Error) could not write to file "/app/x": permission denied
    (elixir 1.18.3) lib/file.ex:1144: File.write!/3
12:00:01.000 [error] GenServer Shop.Disk terminating
** (File.Error) could not write to file "/app/x": permission denied
12:00:00.000 [error] Postgrex.Protocol (#PID<0.2.0>) failed to connect: ** (DBConnection.ConnectionError) refused
12:00:01.000 [error] Postgrex.Protocol (#PID<0.3.0>) failed to connect: ** (DBConnection.ConnectionError) refused
{"level":"error","message":"no disk"}
level=critical msg="no space"
=ERROR REPORT==== 22-Nov-2026::20:46:49.631994 ===
a report
"""


def test_the_errors_that_it_logs() -> None:
    found = list(judge_boot(replace(BOOTED, output=LOG), SETUP))[1:]
    assert found == [
        Finding(
            "log",
            "warning",
            "it logs 4 errors while it boots:\n"
            'GenServer Shop.Disk terminating ** (File.Error) could not write to file "/app/x": permission denied\n'
            '{"level":"error","message":"no disk"}\n'
            'level=critical msg="no space"\n'
            "and 1 more",
            "to see all of its output: docker run --rm IMAGE",
        ),
        Finding(
            "log",
            "note",
            "a service could not be reached, because the trial container has no network: "
            "Postgrex.Protocol (#PID<...>) failed to connect: ** (DBConnection.ConnectionError) refused",
        ),
    ]
    assert [each.status for each in judge_boot(replace(BOOTED, output=LOG), replace(SETUP, network=True))] == [
        "ok",
        "warning",
    ]
    assert len(list(judge_boot(replace(BOOTED, output="[info] all is well\n[warning] nearly\n"), SETUP))) == 1


@pytest.mark.parametrize(
    ("sockets", "status", "message"),
    [
        ((Socket("0.0.0.0", 4000),), "ok", "it listens on port 4000"),
        ((Socket("127.0.0.1", 4000), Socket("::", 4000)), "ok", "it listens on port 4000"),
        ((Socket("0.0.0.0", 4369),), "warning", "nothing listens on port 4000"),
        (
            (Socket("127.0.0.1", 4000),),
            "warning",
            "it listens on 127.0.0.1:4000 alone, which nothing outside of the container reaches",
        ),
        (
            (Socket("::1", 4000),),
            "warning",
            "it listens on [::1]:4000 alone, which nothing outside of the container reaches",
        ),
    ],
)
def test_the_port(sockets: tuple[Socket, ...], status: str, message: str) -> None:
    _, finding = judge_boot(replace(BOOTED, sockets=sockets), replace(BARE, ports=(4000,)))
    assert (finding.check, finding.status, finding.message) == ("port", status, message)
    assert bool(finding.hint) == (status == "warning")
    assert len(list(judge_boot(replace(BOOTED, state="up", sockets=sockets), replace(BARE, ports=(4000,))))) == 1
