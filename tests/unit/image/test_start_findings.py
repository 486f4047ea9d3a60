"""What came of a release's trials → findings, each with its mending."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relbuild.errors import Mark
from relbuild.image import start_findings
from relbuild.image.findings import Finding
from relbuild.image.shipped import Shipped
from relbuild.image.start_findings import GIVE
from relbuild.image.trials import Boot, Ran, Start, Trials
from relbuild.mix.environment import Contract, Default, Requirement, Variable
from relbuild.mix.environment.conditions import ALWAYS, Among, Opaque, is_set
from relbuild.mix.facts import Unknown

SHOP = Shipped("shop", "/app", "1.0.0")
TRIALS = Trials(Ran(0, "shop 1.0.0\n"), Ran(0, "relbuild_evaluates\n"), None, Boot(0, 1.25, ""))
START = Start(stop_timeout=30)
GIVEN = replace(START, given=frozenset({"PORT"}))
AT = Mark("config/runtime.exs", 3)
UNSET = (
    '** (System.EnvError) could not fetch environment variable "DATABASE_URL" because it is not set\n'
    "    (elixir 1.18.3) lib/system.ex:705: System.fetch_env!/1\n"
)
COOKIE = (
    "=ERROR REPORT==== 22-Nov-2026::20:46:49.631994 ===\n"
    "Failed to create cookie file '/app/.erlang.cookie': erofs\n"
    "=CRASH REPORT==== 22-Nov-2026::20:46:49.632122 ===\n"
    "  crasher:\n"
)
DAEMON = "docker: Error response from daemon: "
RUNC = (
    DAEMON + "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create "
    "failed: unable to start container process: "
)
HELP = "\n\nRun 'docker run --help' for more information\n"
TOOLS = "the boot script needs a shell and sed, cut, cat, od, awk, grep, date, readlink and dirname in the image"


def variable(name: str, message: str | None = None, when: object = ALWAYS) -> Variable:
    missing = Among(name, frozenset({None}))
    return Variable(name, AT, requirements=(Requirement(missing, when, AT, message),))  # type: ignore[arg-type]


def commands(start: Start = START, **changes: Ran) -> Finding:
    [finding] = start_findings.commands(SHOP, replace(TRIALS, **changes), start)  # type: ignore[arg-type]
    return finding


LOGGED = """\
    error: undefined function f/1 (there is no such import)
    │
 18 │ config :shop, x: f(1)
    │ ^^^^^^^^^^^^^^^^^^^^^
    │
    └─ releases/1.0.0/runtime.exs:18

ERROR! Config provider Config.Reader failed with:
** (CompileError) releases/1.0.0/runtime.exs: cannot compile file (errors have been logged)
    (elixir 1.18.3) src/elixir_expand.erl:683: :elixir_expand.expand_arg/3
"""


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (LOGGED, "18: undefined function f/1 (there is no such import)"),
        # Elixir 1.14
        ("** (CompileError) releases/1.0.0/runtime.exs:18: undefined function f/1\n", "18: undefined function f/1"),
        (
            "** (TokenMissingError) token missing on releases/1.0.0/runtime.exs:3:5:\n"
            "    error: missing terminator: ]\n",
            "3: missing terminator: ]",
        ),
    ],
)
def test_a_configuration_that_does_not_compile_fails_in_any_environment(output: str, told: str) -> None:
    needy = replace(START, contract=Contract((variable("DATABASE_URL"),)))
    assert start_findings.boot(Boot(1, None, output), needy) == Finding(
        "boot",
        "failed",
        f"it doesn't boot: releases/1.0.0/runtime.exs:{told}, exit code 1",
        "that is the configuration which the release reads when it starts, config/runtime.exs: mend it there",
    )


def test_a_compiler_s_error_elsewhere_may_be_the_environment_s() -> None:
    finding = start_findings.boot(Boot(1, None, '** (CompileError) nofile:1: undefined variable "a"\n'), START)
    assert finding.status == "warning"


def test_a_boot_script_that_does_not_run() -> None:
    finding = commands(version=Ran(127, "docker: sh: not found\n"))
    assert finding == Finding(
        "commands",
        "failed",
        "bin/shop version doesn't work: docker: sh: not found, exit code 127",
        TOOLS,
    )
    assert commands(version=Ran(0, "other 1.0.0")).status == "failed"


def test_eval_without_its_environment() -> None:
    finding = commands(evaluated=Ran(1, UNSET), bare=Ran(0, ""))
    assert finding == Finding(
        "commands",
        "note",
        "version and eval work; eval with its configuration needs DATABASE_URL, which isn't set here",
        GIVE,
    )
    finding = commands(evaluated=Ran(1, "x\n** (RuntimeError) no\n  at y"), bare=Ran(0, ""))
    assert finding == Finding(
        "commands",
        "warning",
        "version and eval work; eval with its configuration fails: ** (RuntimeError) no",
        GIVE,
    )


def test_eval_that_does_not_work_at_all() -> None:
    broken = "/app/erts-15/bin/beam.smp: error while loading shared libraries: libtinfo.so.6\n"
    finding = commands(evaluated=Ran(127, broken), bare=Ran(127, broken))
    assert (finding.status, finding.message) == (
        "failed",
        "bin/shop eval doesn't work: /app/erts-15/bin/beam.smp: error while loading shared libraries: libtinfo.so.6, "
        "exit code 127",
    )


@pytest.mark.parametrize(
    ("boot", "given", "status", "message"),
    [
        (Boot(137, 30.1, ""), False, "failed", "SIGTERM doesn't end it within 30 s: it had to be killed"),
        (Boot(1, 0.5, ""), False, "failed", "SIGTERM ends it with exit code 1, not 0"),
        (Boot(1, None, UNSET), False, "note", "not tried: it doesn't boot without DATABASE_URL"),
        (
            Boot(1, None, "** (RuntimeError) environment variable SECRET_KEY_BASE is missing.\n"),
            False,
            "note",
            "not tried: it doesn't boot without SECRET_KEY_BASE",
        ),
        (
            Boot(1, None, "ng boot ({#{env=><<\"DATABASE_URL\">>,'__struct__'=>'Elixir.System.EnvError'\n"),
            False,
            "note",
            "not tried: it doesn't boot without DATABASE_URL",
        ),
        (Boot(1, None, UNSET), True, "failed", "it doesn't boot without DATABASE_URL, which it wasn't given"),
        (Boot(1, None, "no luck\n"), True, "failed", "it doesn't boot: no luck, exit code 1"),
        (
            Boot(1, None, "starting\nconnection refused\n"),
            False,
            "warning",
            "it doesn't boot without its environment: connection refused, exit code 1",
        ),
        (
            Boot(2, None, "sh: 1: cannot create /app/x: Read-only file system\n"),
            False,
            "failed",
            "it doesn't boot on a read-only root: sh: 1: cannot create /app/x: Read-only file system, exit code 2",
        ),
        (
            Boot(1, None, COOKIE),
            False,
            "failed",
            "it doesn't boot: Failed to create cookie file '/app/.erlang.cookie': erofs, exit code 1",
        ),
        (
            Boot(1, None, "Error when reading /app/.erlang.cookie: eacces\n"),
            True,
            "failed",
            "it doesn't boot: Error when reading /app/.erlang.cookie: eacces, exit code 1",
        ),
        (
            Boot(1, None, "cp: can't copy x: Read-only file system\n** (RuntimeError) no database\n"),
            False,
            "warning",
            "it doesn't boot without its environment: ** (RuntimeError) no database, exit code 1",
        ),
        (Boot(0, None, ""), False, "note", "it ends by itself, with exit code 0: stopping it was not tried"),
        (
            Boot(255, None, "exec /app/bin/shop: exec format error"),
            False,
            "note",
            "not tried: this engine can't run programs of the image's platform",
        ),
    ],
)
def test_booting(boot: Boot, given: bool, status: str, message: str) -> None:
    finding = start_findings.boot(boot, GIVEN if given else START)
    assert (finding.status, finding.message) == (status, message)


@pytest.mark.parametrize(
    ("output", "mending"),
    [
        ("/app/bin/shop: 60: sed: not found\n", TOOLS),
        (f'{RUNC}exec: "sh": executable file not found in $PATH: unknown{HELP}', TOOLS),
        (
            f"{DAEMON}unable to find user shop: no matching entries in passwd file{HELP}",
            "name the user by number: USER 10001:10001",
        ),
        (
            f"{DAEMON}network backend not found{HELP}",
            "docker couldn't start a container of the image: mend what it names, such as USER, WORKDIR or --network",
        ),
        (
            "cat: /app/releases/COOKIE: No such file or directory\n",
            "the image has no releases/COOKIE, so that every command needs RELEASE_COOKIE: relbuild verify IMAGE "
            "--env RELEASE_COOKIE=… tries it",
        ),
        ("Segmentation fault\n", "try it: docker run --rm --entrypoint /app/bin/shop IMAGE version"),
    ],
)
def test_a_boot_script_is_mended_by_its_reason(output: str, mending: str) -> None:
    assert commands(version=Ran(1, output)).mending == mending


def test_a_variable_that_the_contract_has_a_message_of() -> None:
    contract = Contract(
        (
            variable("DATABASE_URL", "DATABASE_URL is missing."),
            variable("KEY", "missing"),
            variable("SALT", '\nsay "salt" to it\nlike this'),
            variable("URL", "it is missing."),
        )
    )
    start = replace(START, contract=contract)
    lines = "ERROR! Config provider Config.Reader failed with:\n** (RuntimeError) {}\n    runtime.exs:3: (file)\n"
    term = """Runtime terminating during boot ({{#{{message=><<"{}">>,'__struct__'=>'Elixir.RuntimeError'}},[]}})\n"""
    for output in (lines.format("DATABASE_URL is missing."), term.format("DATABASE_URL is missing.")):
        assert start_findings.boot(Boot(1, None, output), start) == Finding(
            "boot", "note", "not tried: it doesn't boot without DATABASE_URL", GIVE
        )
        assert commands(start, evaluated=Ran(1, output), bare=Ran(0, "")) == Finding(
            "commands",
            "note",
            "version and eval work; eval with its configuration needs DATABASE_URL, which isn't set here",
            GIVE,
        )
    escaped = term.format('\\nsay \\"salt\\" to it\\nlike this')
    assert start_findings.boot(Boot(1, None, escaped), start).message == "not tried: it doesn't boot without SALT"
    other = Boot(1, None, lines.format("a key is missing"))
    assert start_findings.boot(other, start).status == "warning"


def test_an_environment_that_lacks_a_variable() -> None:
    contract = Contract((variable("SMTP_PASSWORD", "SMTP_PASSWORD!"),))
    failing = Boot(1, None, "** (RuntimeError) SMTP_PASSWORD!\n")
    add = "add SMTP_PASSWORD to the file of --env-file, or give it with --env SMTP_PASSWORD=…"
    lacking = replace(GIVEN, contract=contract)
    assert start_findings.boot(failing, lacking) == Finding(
        "boot", "failed", "it doesn't boot without SMTP_PASSWORD, which it wasn't given", add
    )
    assert commands(lacking, evaluated=Ran(1, failing.output), bare=Ran(0, "")).mending == add
    given = replace(START, given=frozenset({"SMTP_PASSWORD"}), contract=contract)
    assert start_findings.boot(failing, given) == Finding(
        "boot",
        "failed",
        "it doesn't boot with the SMTP_PASSWORD that it was given: ** (RuntimeError) SMTP_PASSWORD!, exit code 1",
        "give SMTP_PASSWORD another value",
    )
    finding = commands(given, evaluated=Ran(1, failing.output), bare=Ran(0, ""))
    assert (finding.status, finding.message) == (
        "warning",
        "version and eval work; eval with its configuration fails: ** (RuntimeError) SMTP_PASSWORD!",
    )


BROKEN = Boot(1, None, "** (RuntimeError) no license file\n")
DEFAULT = Variable("PORT", AT, Default("4000"))


@pytest.mark.parametrize(
    ("contract", "boot", "status"),
    [
        (Contract(), BROKEN, "failed"),
        (Contract((DEFAULT,)), BROKEN, "failed"),
        (Contract((variable("SET"),)), BROKEN, "failed"),
        (Contract((variable("URL", when=is_set("SERVER")),)), BROKEN, "failed"),
        # What relbuild can't know of it: foreign images, conditions, applications' own variables, other machines.
        (None, BROKEN, "warning"),
        (Contract(unknown=(Unknown("x", "y", AT),)), BROKEN, "warning"),
        (Contract((variable("URL"),)), BROKEN, "warning"),
        (Contract((variable("URL", when=Opaque("x")),)), BROKEN, "warning"),
        (Contract((Variable("URL", AT),)), BROKEN, "warning"),
        (Contract(), Boot(1, None, "** (RuntimeError) no LICENSE_FILE\n"), "warning"),
        (Contract(), Boot(1, None, "** (MatchError) no match: {:error, :econnrefused}\n"), "warning"),
        (Contract(), Boot(137, None, ""), "warning"),
    ],
)
def test_a_release_that_needs_nothing_and_does_not_boot(contract: Contract | None, boot: Boot, status: str) -> None:
    start = replace(START, env={"SET": "1"}, contract=contract)
    finding = start_findings.boot(boot, start)
    assert finding.status == status
    if status == "failed":
        assert finding.message == (
            "it doesn't boot, and no variable is known that it would need: "
            "** (RuntimeError) no license file, exit code 1"
        )


@pytest.mark.parametrize(
    ("boot", "reason"),
    [
        (
            Boot(127, None, f'{RUNC}exec: "/nonexistent": stat /nonexistent: no such file or directory: unknown{HELP}'),
            'docker: exec: "/nonexistent": stat /nonexistent: no such file or directory, exit code 127',
        ),
        (
            Boot(126, None, f"{RUNC}exec: \"/etc/passwd\": permission denied: unknown.\nSee 'docker run --help'.\n"),
            'docker: exec: "/etc/passwd": permission denied, exit code 126',
        ),
        (
            Boot(125, None, f"{DAEMON}no command specified{HELP}"),
            "docker: no command specified, exit code 125",
        ),
        (
            Boot(1, None, "exec /app/bin/shop: no such file or directory\n"),
            "exec /app/bin/shop: no such file or directory, exit code 1",
        ),
    ],
)
@pytest.mark.parametrize("start", [START, GIVEN])
def test_an_image_that_docker_can_not_start(boot: Boot, reason: str, start: Start) -> None:
    assert start_findings.boot(boot, start) == Finding(
        "boot",
        "failed",
        f"it can't be started: {reason}",
        "docker says so of every start of the image: mend what it names, such as ENTRYPOINT, CMD, USER or WORKDIR",
    )


def test_a_start_that_never_says_that_it_is_up() -> None:
    finding = start_findings.boot(Boot(0, 1.25, "", 60.0), START)
    assert (finding.status, finding.message) == (
        "warning",
        "whether it boots isn't known: it didn't say within 60 s that it was up; SIGTERM ended it in 1.2 s",
    )
    finding = start_findings.boot(Boot(143, 0.1, "", 60.0), START)
    assert (finding.status, finding.message) == (
        "failed",
        "SIGTERM ends it with exit code 143, not 0; it didn't say within 60 s that it was up",
    )


@pytest.mark.parametrize(
    ("signal", "boot", "status", "message"),
    [
        ("SIGQUIT", Boot(0, 1.25, ""), "ok", "it boots on a read-only root, and SIGQUIT ends it in 1.2 s"),
        ("SIGINT", Boot(137, 30.1, ""), "failed", "SIGINT doesn't end it within 30 s: it had to be killed"),
        ("SIGUSR1", Boot(1, 0.1, ""), "failed", "SIGUSR1 ends it with exit code 1, not 0"),
        (
            "SIGKILL",
            Boot(137, 0.1, ""),
            "failed",
            "it is killed at once, so that nothing it does can be brought to an end",
        ),
    ],
)
def test_a_stop_signal_of_the_images_own(signal: str, boot: Boot, status: str, message: str) -> None:
    finding = start_findings.boot(boot, replace(START, stop_signal=signal))
    assert (finding.status, finding.message) == (status, message)
    if status == "failed":
        assert finding.mending == (
            f"SIGTERM ends a release, and the image says STOPSIGNAL {signal}: take that out of the Dockerfile"
        )
