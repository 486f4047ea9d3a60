"""Why a build failed: the step, its place, the compiler's own errors, and the fix. The outputs are real ones."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.errors import CommandFailed, EngineError, Mark, PassingFault, Problem
from relbuild.image.build.causes import without_trust
from relbuild.image.build.diagnostics import Diagnostic, compile_errors
from relbuild.image.build.failures import BuildFailure, build_warnings, explain_failure
from relbuild.image.build.progress import Build, ClientLine, OutputLine, Vertex
from tests.unit.image.build.conftest import built

DOCKERFILE = "/cache/Dockerfile"
SNIPPET = (
    "Dockerfile:41",
    "--------------------",
    "  41 | >>> RUN x",
    "ERROR: failed to solve: process x did not complete successfully: exit code: 1",
)
FIX = "the project doesn't compile: fix it and build again; nothing was tagged"

MISMATCH = """Compiling 2 files (.ex)

== Compilation error in file lib/x.ex ==
** (MismatchedDelimiterError) mismatched delimiter found on lib/x.ex:3:1:
    error: unexpected reserved word: end
    │
  2 │   def no(, do: 1
    │         └ unclosed delimiter
  3 │ end
    │ └ mismatched closing delimiter (expected ")")
    │
    └─ lib/x.ex:3:1
    (elixir 1.18.3) lib/kernel/parallel_compiler.ex:428: anonymous fn/5 in Kernel.ParallelCompiler.spawn_workers/8
"""
UNDEFINED = """==> kid
Compiling 1 file (.ex)
    error: undefined variable "b"
    │
  2 │  def a, do: b
    │             ^
    │
    └─ lib/kid.ex:2:13: Kid.a/0

    error: undefined function z/0 (expected Kid to define such a function or for it to be imported)
    │
  3 │  def c, do: z()
    │             ^
    │
    └─ lib/kid.ex:3:13: Kid.c/0


== Compilation error in file lib/kid.ex ==
** (CompileError) lib/kid.ex: cannot compile module Kid (errors have been logged)
"""
RAISED = """
== Compilation error in file lib/x.ex ==
** (RuntimeError) boom
    (shop 0.1.0) lib/other.ex:9: Other.x/0
    lib/x.ex:2: (module)
"""
ELIXIR_1_14 = """
== Compilation error in file lib/x.ex ==
** (CompileError) lib/x.ex:3: undefined function foo/0 (expected X to define such a function)
"""
WARNINGS = """Compiling 2 files (.ex)
    warning: variable "x" is unused (if the variable is not meant to be used, prefix it with an underscore)
    │
  3 │  def c(x), do: 1
    │        ~
    │
    └─ lib/x.ex:3:8: X.c/1

Compilation failed due to warnings while using the --warnings-as-errors option
"""
FETCH_ENV = """** (System.EnvError) could not fetch environment variable "DATABASE_URL" because it is not set
    (elixir 1.18.3) lib/system.ex:705: System.fetch_env!/1
    /src/config/prod.exs:2: (file)
    (stdlib 6.2.2.1) erl_eval.erl:919: :erl_eval.do_apply/7
"""
STEP = """* skipping runtime configuration (config/runtime.exs not found)
** (RuntimeError) no version file
    mix.exs:10: anonymous fn/1 in A.MixProject.project/0
    (mix 1.18.3) lib/mix/tasks/release.ex:1079: Mix.Tasks.Release.run_steps/1
"""
DEPENDENCY = UNDEFINED.replace("==> kid", "==> foo") + (
    'could not compile dependency :foo, "mix compile" failed. Errors may have been logged above.\n'
)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (MISMATCH, [Diagnostic("unexpected reserved word: end", "lib/x.ex", 3, 1)]),
        (
            UNDEFINED,
            [
                Diagnostic('undefined variable "b"', "lib/kid.ex", 2, 13, "kid"),
                Diagnostic(
                    "undefined function z/0 (expected Kid to define such a function or for it to be imported)",
                    "lib/kid.ex",
                    3,
                    13,
                    "kid",
                ),
            ],
        ),
        (RAISED, [Diagnostic("(RuntimeError) boom", "lib/x.ex", 2)]),
        (ELIXIR_1_14, [Diagnostic("undefined function foo/0 (expected X to define such a function)", "lib/x.ex", 3)]),
        (
            WARNINGS,
            [
                Diagnostic(
                    'variable "x" is unused (if the variable is not meant to be used, prefix it with an underscore)',
                    "lib/x.ex",
                    3,
                    8,
                )
            ],
        ),
        (WARNINGS.partition("Compilation failed")[0], []),
        ("== Compilation error in file lib/x.ex ==", []),
        ("== Compilation error in file lib/x.ex ==\nnothing known", [Diagnostic("it doesn't compile", "lib/x.ex", 1)]),
        ("all is well\nerror: not one of Elixir's", []),
    ],
)
def test_the_compilers_errors(output: str, found: list[Diagnostic]) -> None:
    assert compile_errors(output.splitlines()) == tuple(found)


def ended(output: str, error: str, *lines: str, name: str = "[build 4/9] RUN mix compile") -> Build:
    """Return a build whose step has printed this and ended, and what the client printed."""
    return built(
        Vertex("a", name, 1.0),
        *(OutputLine("a", line) for line in output.splitlines()),
        Vertex("a", name, 1.0, 2.0, error=error),
        *map(ClientLine, lines),
    )


DIRECTORIES = {"kid": "apps/kid/", "shop": ""}


def failed(output: str, *, error: str = "exit code: 1", lines: tuple[str, ...] = SNIPPET) -> BuildFailure:
    return explain_failure(ended(output, error, *lines), 1, DOCKERFILE, DIRECTORIES.get)


def test_a_project_that_does_not_compile() -> None:
    failure = failed(UNDEFINED)
    assert (failure.step, failure.at) == ("[build 4/9] RUN mix compile", Mark(DOCKERFILE, 41))
    assert failure.tail == tuple(UNDEFINED.splitlines()[-20:])
    assert type(failure.error) is CommandFailed
    assert failure.error.problems == (
        Problem('the build failed: undefined variable "b"', Mark("apps/kid/lib/kid.ex", 2, 13), FIX),
        Problem(
            "the build failed: undefined function z/0 (expected Kid to define such a function or for it to be "
            "imported)",
            Mark("apps/kid/lib/kid.ex", 3, 13),
            FIX,
        ),
    )


def outcome(failure: BuildFailure) -> tuple[Any, ...]:
    [problem] = failure.error.problems
    return type(failure.error), problem.at, problem.message.removeprefix("the build failed: ")


AT = Mark(DOCKERFILE, 41)
NETWORK = "the network or a server didn't answer"


@pytest.mark.parametrize(
    ("output", "error", "expected"),
    [
        (DEPENDENCY, "", (CommandFailed, AT, "the dependency foo doesn't compile")),
        (
            FETCH_ENV,
            "",
            (
                CommandFailed,
                Mark("config/prod.exs", 2),
                "the environment variable DATABASE_URL is read while the project is compiled, "
                "and the build doesn't have it",
            ),
        ),
        (STEP, "", (CommandFailed, Mark("mix.exs", 10), "(RuntimeError) no version file")),
        (
            "** (Mix) Could not find Hex, which is needed to build dependency :jason",
            "",
            (CommandFailed, AT, "Hex isn't in the builder image"),
        ),
        (
            '\u2718 [ERROR] Could not resolve "topbar/x"',
            "",
            (CommandFailed, AT, "the assets import topbar/x, which isn't installed"),
        ),
        (
            "** (Mix) Your mix.lock is out of date and must be updated without the --check-locked flag",
            "",
            (CommandFailed, AT, "mix.lock doesn't match mix.exs"),
        ),
        (
            "** (Mix) Registry checksum mismatch against lock (jason 1.4.1)",
            "",
            (CommandFailed, AT, "a package's checksum differs from the one in mix.lock"),
        ),
        (
            "Failed to fetch record for 'hexpm:acme/private' from registry (using cache instead)\n"
            "This could be because the package does not exist, it was spelled incorrectly or you don't have "
            "permissions to it\n** (Mix) No package with name private (from: mix.exs) in registry",
            "",
            (
                CommandFailed,
                AT,
                "a Hex repository refused access: it needs another key, or the package doesn't exist",
            ),
        ),
        (
            "No ED25519 host key is known for git.example.com\nHost key verification failed.",
            "",
            (CommandFailed, AT, "the ssh host key of a git dependency is unknown, or has changed"),
        ),
        (
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "",
            (CommandFailed, AT, "the build has no permission to fetch a git dependency"),
        ),
        # The command itself, which the output repeats, is no cause.
        (
            "RUN mix deps.get --only prod --check-locked\nall went well",
            "process x did not complete successfully: exit code: 3",
            (CommandFailed, AT, "[build 4/9] RUN mix compile exited with 3"),
        ),
        (
            "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            "",
            (CommandFailed, AT, "the host of a git dependency accepts none of the keys in your ssh agent"),
        ),
        (
            "a.c:1:10: fatal error: expat.h: No such file or directory",
            "",
            (CommandFailed, Mark("a.c", 1, 10), "C code includes expat.h, which the builder image doesn't have"),
        ),
        (
            "/usr/bin/ld: cannot find -lvips: No such file or directory",
            "",
            (CommandFailed, AT, "the linker can't find the library vips in the builder image"),
        ),
        ("sh: 1: cmake: not found", "exit code: 127", (CommandFailed, AT, "cmake isn't in the builder image")),
        ("make: cc1: No such file or directory", "", (CommandFailed, AT, "cc1 isn't in the builder image")),
        (
            'could not compile with make: "make" not found in the path. If you have set the MAKE variable',
            "",
            (CommandFailed, AT, "make isn't in the builder image"),
        ),
        (
            "E: Unable to locate package libvips99",
            "exit code: 100",
            (CommandFailed, AT, "Debian has no package libvips99 in this release"),
        ),
        (
            "W: Failed to fetch http://d/InRelease  Temporary failure resolving 'd'\nE: Unable to locate package x",
            "exit code: 100",
            (PassingFault, AT, NETWORK),
        ),
        (
            '{:failed_connect, [{:to_address, {~c"repo.hex.pm", 443}}, {:inet, [:inet], :nxdomain}]}\n'
            "** (Mix) No package with name jason (from: mix.exs) in registry",
            "",
            (PassingFault, AT, NETWORK),
        ),
        (
            "** (Mix) No package with name jasno (from: mix.exs) in registry",
            "",
            (CommandFailed, AT, "there is no Hex package jasno, or the build has no access to it"),
        ),
        (
            "tee: x: No space left on device",
            "",
            (CommandFailed, AT, "no space left on the engine's disk"),
        ),
        (
            "runc run failed: unable to start container process: waiting for init preliminary setup: "
            "read init-p: connection reset by peer",
            "",
            (PassingFault, AT, "the engine could not start the step's container: its runtime (runc) failed"),
        ),
        (
            "",
            "process … did not complete successfully: failed to create endpoint x1 on network bridge: adding interface "
            "veth5fd to bridge docker0 failed: Device does not exist",
            (CommandFailed, AT, "the engine could not connect the step's container to a network"),
        ),
        (
            "Killed",
            "process x did not complete successfully: exit code: 137",
            (CommandFailed, AT, "a process was killed: the engine ran out of memory"),
        ),
        (
            "** (Mix) Could not find application :zz",
            "",
            (
                CommandFailed,
                AT,
                "the release needs the application zz, which isn't in the project, its dependencies, Elixir or OTP",
            ),
        ),
        # Of Mix's own words the last count, if the step ended with them.
        (
            "** (Mix) Mild\n** (Mix) The application file of shop is gone",
            "",
            (CommandFailed, AT, "The application file of shop is gone"),
        ),
        (
            "** (Mix) Mild\n" + "all went well\n" * 20,
            "",
            (CommandFailed, AT, "[build 4/9] RUN mix compile exited with 1"),
        ),
        (
            "all went well",
            "process … did not complete successfully: the engine's own words",
            (CommandFailed, AT, "[build 4/9] RUN mix compile: the engine's own words"),
        ),
        (
            "** (Mix) You're trying to run :a on Elixir v1.18.3 but it has declared in its mix.exs file it supports "
            "only Elixir ~> 1.99",
            "",
            (CommandFailed, AT, "a requires Elixir ~> 1.99, the builder image has 1.18.3"),
        ),
        (
            "all went well",
            "process x did not complete successfully: exit code: 3",
            (CommandFailed, AT, "[build 4/9] RUN mix compile exited with 3"),
        ),
    ],
)
def test_what_is_known_to_go_wrong(output: str, error: str, expected: tuple[Any, ...]) -> None:
    assert outcome(failed(output, error=error or "exit code: 1")) == expected


def test_the_clients_lines_of_the_dockerfile_are_no_cause() -> None:
    lines = (
        "Dockerfile:41",
        "--------------------",
        "  40 |     ",
        "  41 | >>> RUN echo 'connection refused'",
        "--------------------",
        "ERROR: failed to solve: process … did not complete successfully: exit code: 3",
    )
    failure = failed("", error="process … did not complete successfully: exit code: 3", lines=lines)
    assert outcome(failure) == (CommandFailed, AT, "[build 4/9] RUN mix compile exited with 3")
    assert failure.tail == (lines[0], lines[-1])


def test_every_hint_names_what_was_found() -> None:
    hints = {
        "a.c:1:10: fatal error: openssl/ssl.h: No such file or directory": "add libssl-dev to builder.packages in "
        "relbuild.yml",
        "a.c:1:10: fatal error: none/such.h: No such file or directory": "add the package that has it to "
        "builder.packages in relbuild.yml",
        "x: cannot find -lvips": "add its development package (libvips-dev?) to builder.packages in relbuild.yml",
    }
    assert {output: failed(output).error.problems[0].hint for output in hints} == hints


def test_a_base_image_that_is_not_there() -> None:
    image = "docker.io/library/debian:nosuch"
    reason = f"failed to resolve source metadata for {image}: {image}: not found"
    lines = ("Dockerfile:1", "-----", f"ERROR: failed to solve: debian:nosuch: {reason}")
    name = "[internal] load metadata for docker.io/library/debian:nosuch"
    failure = explain_failure(ended("", "not found", *lines, name=name), 1, DOCKERFILE, {}.get)
    assert outcome(failure) == (
        CommandFailed,
        Mark(DOCKERFILE, 1),
        "the base image docker.io/library/debian:nosuch can't be pulled",
    )


def test_a_client_without_buildx() -> None:
    for line in ("docker: 'buildx' is not a docker command.", "docker: unknown command: docker buildx"):
        failure = explain_failure(built(ClientLine(line)), 1, DOCKERFILE, {}.get)
        assert (failure.step, failure.tail, type(failure.error)) == (None, (), EngineError)
        assert "docker-buildx-plugin" in (failure.error.problems[0].hint or "")


def test_a_buildx_that_is_too_old() -> None:
    """As buildx 0.12 says it."""
    failure = explain_failure(built(ClientLine("ERROR: invalid progress mode rawjson")), 1, DOCKERFILE, {}.get)
    (problem,) = failure.error.problems
    assert (type(failure.error), problem.message) == (EngineError, "the Docker client's buildx is older than 0.13")
    assert "0.13 or newer" in (problem.hint or "")


@pytest.mark.parametrize(
    "words",
    [
        "ERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
        "ERROR: Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?",
    ],
)
def test_an_engine_that_went_away(words: str) -> None:
    build = built(Vertex("a", "[1/1] RUN x", 1.0), ClientLine(words))
    failure = explain_failure(build, 1, DOCKERFILE, {}.get)
    assert (failure.tail, type(failure.error)) == ((words,), EngineError)
    assert "nothing was tagged" in str(failure.error)


def test_a_failure_nobody_knows() -> None:
    failure = explain_failure(built(ClientLine("ERROR: something else")), 7, DOCKERFILE, {}.get)
    assert (failure.step, failure.at, failure.tail) == (None, None, ("ERROR: something else",))
    assert failure.error.problems == (
        Problem("the build failed (docker exited with 7)", hint="nothing was tagged; docker's output is above"),
    )


def test_an_error_in_an_umbrellas_child_is_placed_there() -> None:
    """As Elixir 1.18 prints it in an umbrella: with the application's name and version before the place."""
    failure = failed(UNDEFINED.replace("==> kid\n", "").replace("└─ lib/", "└─ (kid 0.3.0) lib/"))
    assert [problem.at for problem in failure.error.problems] == [
        Mark("apps/kid/lib/kid.ex", 2, 13),
        Mark("apps/kid/lib/kid.ex", 3, 13),
    ]


def test_a_place_in_a_wider_context() -> None:
    """The project is beneath the context's root there: what it depends on lies beside it."""
    output = (
        "** (RuntimeError) boom\n"
        "    /src/shop/config/config.exs:3: (file)\n"
        "    (stdlib 6.2) erl_eval.erl:919: :erl_eval.do_apply/7\n"
    )
    failure = explain_failure(ended(output, "exit code: 1", *SNIPPET), 1, DOCKERFILE, {}.get, "/src/shop")
    assert outcome(failure) == (CommandFailed, Mark("config/config.exs", 3), "(RuntimeError) boom")


@pytest.mark.parametrize(
    ("heading", "file", "at"),
    [
        ("", "c_src/nif.c", Mark("c_src/nif.c", 1, 10)),
        ("", "/src/c_src/nif.c", Mark("c_src/nif.c", 1, 10)),
        ("==> kid\n", "c_src/nif.c", Mark("apps/kid/c_src/nif.c", 1, 10)),
        ("==> exqlite\n", "c_src/nif.c", AT),
        ("", "/src/deps/exqlite/c_src/nif.c", AT),
        ("", "/usr/include/x.h", AT),
    ],
)
def test_a_header_that_is_not_there(heading: str, file: str, at: Mark) -> None:
    failure = failed(f"{heading}{file}:1:10: fatal error: libxml/parser.h: No such file or directory\n")
    assert outcome(failure) == (
        CommandFailed,
        at,
        "C code includes libxml/parser.h, which the builder image doesn't have",
    )
    assert failure.error.problems[0].hint == "add libxml2-dev to builder.packages in relbuild.yml"


def test_what_mix_says_in_the_lines_below() -> None:
    failure = failed("** (Mix) Duplicated modules: \n\tc specified in shop and stdlib\n\nall is well\n")
    assert outcome(failure) == (CommandFailed, AT, "Duplicated modules: c specified in shop and stdlib")


ELIXIR_1_14_WARNINGS = """Compiling 2 files (.ex)
warning: variable "x" is unused (if the variable is not meant to be used, prefix it with an underscore)
  lib/shop.ex:2: Shop.a/1

warning: Nowhere.go/0 is undefined (module Nowhere is not available or is yet to be defined)
  lib/shop.ex:3: Shop.b/0

Generated shop app
"""
ELIXIR_1_18_WARNINGS = """==> jason
Compiling 1 file (.ex)
    warning: function old/0 is unused
    │
  1 │   defp old, do: 1
    │        ~
    │
    └─ lib/jason.ex:1:8: Jason (module)

==> shop
Compiling 2 files (.ex)
     warning: Nowhere.go/0 is undefined (module Nowhere is not available or is yet to be defined). Did you mean:

           * Elsewhere.go/0

     │
 12 │   def b, do: Nowhere.go()
     │                      ~
     │
     └─ lib/shop.ex:12:22: Shop.b/0
     └─ lib/shop.ex:14:22: Shop.c/0

src/shop_native.erl:4:1: Warning: function old/0 is unused
Generated shop app
"""
CONFIG_WARNING = """warning: use Mix.Config is deprecated. Use the Config module instead
  config/config.exs:1
"""


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (
            ELIXIR_1_14_WARNINGS,
            [
                (
                    'variable "x" is unused (if the variable is not meant to be used, prefix it with an underscore)',
                    Mark("lib/shop.ex", 2),
                ),
                (
                    "Nowhere.go/0 is undefined (module Nowhere is not available or is yet to be defined)",
                    Mark("lib/shop.ex", 3),
                ),
            ],
        ),
        (
            ELIXIR_1_18_WARNINGS,
            [
                (
                    "Nowhere.go/0 is undefined (module Nowhere is not available or is yet to be defined)",
                    Mark("lib/shop.ex", 12, 22),
                ),
                ("function old/0 is unused", Mark("src/shop_native.erl", 4, 1)),
            ],
        ),
        (
            UNDEFINED.replace("error:", "warning:").partition("==> kid\n")[2].replace("└─ lib/", "└─ (kid 0.3.0) lib/"),
            [
                ('undefined variable "b"', Mark("apps/kid/lib/kid.ex", 2, 13)),
                (
                    "undefined function z/0 (expected Kid to define such a function or for it to be imported)",
                    Mark("apps/kid/lib/kid.ex", 3, 13),
                ),
            ],
        ),
        (
            CONFIG_WARNING * 2,
            [("use Mix.Config is deprecated. Use the Config module instead", Mark("config/config.exs", 1))],
        ),
        ("warning: the system is low on memory\n", []),
        (DEPENDENCY.replace("error:", "warning:"), []),
        ("warning: of a dependency\n  deps/jason/lib/jason.ex:3: Jason.a/0\n", []),
    ],
)
def test_the_warnings_of_a_build_that_succeeds(output: str, found: list[tuple[str, Mark]]) -> None:
    assert build_warnings(ended(output, ""), DIRECTORIES.get) == tuple(Problem(message, at) for message, at in found)


HTTP = (
    "r.example.com:5000 speaks HTTP without TLS: give it a certificate, or add it to insecure-registries in the "
    "engine's daemon.json"
)
UNTRUSTED = (
    "the engine doesn't trust the certificate of r.example.com:5000: put its CA on the engine's machine into "
    "/etc/docker/certs.d/r.example.com:5000/ca.crt"
)


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ('Get "https://r.example.com:5000/v2/": http: server gave HTTP response to HTTPS client', HTTP),
        ("failed to do request: Head: tls: first record does not look like a TLS handshake", HTTP),
        ("Get: tls: failed to verify certificate: x509: certificate signed by unknown authority", UNTRUSTED),
        ("denied: requested access to the resource is denied", None),
    ],
)
def test_a_registry_that_the_engine_cannot_trust(output: str, advice: str | None) -> None:
    assert without_trust("r.example.com:5000", output) == advice


ONE = "process x did not complete successfully: exit code: 1"
KILLED = "process x did not complete successfully: exit code: 137"
CANCELLED = f"{KILLED}: context canceled"
OUT_OF_MEMORY = "a process was killed: the engine ran out of memory"


def _failed_steps(*errors: tuple[str, str], client: str = "", exit_code: int = 1) -> str:
    """Return the message of a build with these steps' errors and outputs, which end in this order."""
    build = Build()
    for number, (error, output) in enumerate(errors):
        build.add(Vertex(str(number), f"[build {number}/9] RUN x", 1.0, 2.0 + number, error=error))
        for line in output.splitlines():
            build.add(OutputLine(str(number), line))
    for line in client.splitlines():
        build.add(ClientLine(line))
    return explain_failure(build, exit_code, DOCKERFILE, lambda _: None).error.problems[0].message


@pytest.mark.parametrize(
    ("steps", "client"),
    [
        # The user pressed Ctrl-C in another terminal, or `docker buildx history` ended it.
        (((CANCELLED, "Compiling 7 files (.ex)"),), f"ERROR: failed to build: failed to solve: {CANCELLED}"),
        (((CANCELLED, "Killed"),), "ERROR: failed to solve: Canceled: context canceled"),
        (((f"CANCELED: {KILLED}", ""),), ""),
        ((), "ERROR: failed to build: failed to receive status: rpc error: code = Canceled desc = context canceled"),
    ],
)
def test_a_cancelled_build_did_not_run_out_of_memory(steps: tuple[tuple[str, str], ...], client: str) -> None:
    assert _failed_steps(*steps, client=client) == "the build was cancelled"


@pytest.mark.parametrize(
    "steps",
    [
        ((ONE, "** (RuntimeError) no"), (CANCELLED, "Killed")),
        ((CANCELLED, ""), (ONE, "** (RuntimeError) no")),
        # BuildKit kills the other steps, and doesn't always add why.
        ((ONE, "** (RuntimeError) no"), (KILLED, "Killed")),
        # What a step prints is no exit code of its own.
        ((ONE, "worker: exit code: 137\n** (RuntimeError) no"),),
        (("process x did not complete successfully: exit code: 2", "sh: (signal: killed)\n** (RuntimeError) no"),),
    ],
)
def test_only_a_step_that_was_killed_itself_ran_out_of_memory(steps: tuple[tuple[str, str], ...]) -> None:
    assert "memory" not in _failed_steps(*steps, client=f"ERROR: failed to solve: {KILLED}")


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (KILLED, ""),
        (
            "process x did not complete successfully: exit code: 1",
            "gcc: fatal error: Killed signal terminated program cc1",
        ),
        (ONE, "erl: sys_alloc: Cannot allocate memory"),
    ],
)
def test_a_step_that_the_kernel_killed_ran_out_of_memory(error: str, output: str) -> None:
    assert _failed_steps((error, output)) == f"the build failed: {OUT_OF_MEMORY}"
