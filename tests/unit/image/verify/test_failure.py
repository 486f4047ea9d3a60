"""Why a VM ended, out of what releases printed as they did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.verify.failure import BootFailure, read_failure
from relbuild.release import terms

OTP_EXIT = '{exit,terminating,[{application_controller,call,2,[{file,"application_controller.erl"},{line,511}]}]}\n\n'


def started(elixir: str, term: str) -> str:
    """Return what a release prints whose start/2 fails."""
    return (
        f"{OTP_EXIT}21:14:47.985 [notice] Application shop exited: exited in: Shop.Application.start(:normal, [])\n"
        f"    ** (EXIT) an exception was raised:\n{elixir}"
        "            (shop 0.1.0) lib/app.ex:5: Shop.Application.start/2\n"
        "            (kernel 10.2.7) application_master.erl:295: :application_master.start_it_old/4\n"
        'Kernel pid terminated (application_controller) ("{application_start_failure,shop,{bad_return,'
        f"{{{{'Elixir.Shop.Application',start,[normal,[]]}},{{'EXIT',{term}}}}}}}}}\")\n"
    )


def numbered(text: str) -> str:
    return f"<<{','.join(map(str, text.encode()))}>>"


STACK = r"""[{'Elixir.Shop.Application',start,2,[{file,\"lib/app.ex\"},{line,5}]}]"""
RUNTIME = "[{elixir_eval,'__FILE__',1,[{file,\"/app/releases/0.1.0/runtime.exs\"},{line,%d}]}]"
MESSAGE = "environment variable DATABASE_URL is missing.\nFor example: ecto://USER:PASS@HOST/DATABASE\n"
SHOWN = f"** (RuntimeError) {MESSAGE.strip()}"
RAISED = (
    f"Runtime terminating during boot ({{#{{message=>{numbered(MESSAGE)},'__struct__'=>'Elixir.RuntimeError',"
    f"'__exception__'=>true}},{RUNTIME % 5}}})\n"
)
# Two writers of one stream: each may cut into the other.
TORN = (
    f"RERROR! Config provider Config.Reader failed with:\n** (RuntimeError) {MESSAGE}\n"
    "    /app/releases/0.1.0/runtime.exs:5: (file)\n    (stdlib 6.2) erl_eval.erl:919: :erl_eval.do_apply/7\n\n"
    f"{RAISED[1:]}"
)
CUT = f"ERROR! Config provider Config.Reader failed with:\n** (RuntimeError) {MESSAGE}\nRuntime terminating during bo"
MIX = f"Runtime terminating during boot ({{undef,[{{'Elixir.Mix',env,[],[]}},{(RUNTIME % 2)[1:]}}})\n"
HELPER = (
    'Runtime terminating during boot ({#{message=><<"could not load /app/releases/0.1.0/helper.exs. Reason: enoent">>,'
    "reason=>enoent,file=><<\"/app/releases/0.1.0/helper.exs\">>,'__struct__'=>'Elixir.Code.LoadError'},"
    f"[{{'Elixir.Code','find_file!',2,[]}},{(RUNTIME % 2)[1:]}}})\n"
)
UNSET = (
    f"Runtime terminating during boot ({{#{{env=><<\"KEY\">>,'__struct__'=>'Elixir.System.EnvError'}},{RUNTIME % 3}}})"
)
MISMATCH = (
    "Runtime terminating during boot ({<<\"aborting boot\">>,[{'Elixir.Config.Provider',boot,2,[]}]})\n"
    "ERROR! the application :shop has a different value set for key :x during runtime compared to compile time. Since "
    "this application environment entry was marked as compile time, this difference can lead to different behavior "
    "than expected:\n\n  * Compile time value was not set\n  * Runtime value was set to: 2\n\nTo fix this error:\n"
)
MATCH = started(
    "        ** (MatchError) no match of right hand side value: {:error, :invalid_key}\n",
    f"{{{{badmatch,{{error,invalid_key}}}},{STACK}}}",
)
LINES = started(
    "        ** (RuntimeError) no license\nbuy one\n\n",
    rf"{{#{{message => <<\"no license\nbuy one\n\">>,'__struct__' => 'Elixir.RuntimeError'}},{STACK}}}",
)
UNDEFINED = started(
    "        ** (UndefinedFunctionError) function Shop.Helper.go/0 is undefined (module Shop.Helper is not available)\n"
    "            Shop.Helper.go()\n",
    f"{{undef,[{{'Elixir.Shop.Helper',go,[],[]}},{STACK[1:]}}}",
)
# Without the logger's text, as with one that formats JSON or is off.
SILENT = MATCH[MATCH.index("Kernel pid") :]
FILE = started(
    "",
    r"{#{reason => enoent,path => <<\"/app/x.json\">>,action => <<\"read file\">>,'__struct__' => 'Elixir.File.Error'},"
    f"{STACK}}}",
)
CHILD = (
    f"{OTP_EXIT}20:16:04.105 [notice] Application shop exited: Shop.Application.start(:normal, []) returned an error: "
    "shutdown: failed to start child: Shop.Srv\n    ** (EXIT) :no_config\n"
    'Kernel pid terminated (application_controller) ("{application_start_failure,shop,{{shutdown,{'
    "failed_to_start_child,'Elixir.Shop.Top',{shutdown,{failed_to_start_child,'Elixir.Shop.Srv',no_config}}}},"
    "{'Elixir.Shop.Application',start,[normal,[]]}}}\")\n"
)
LATER = (
    "12:00:00.000 [error] GenServer Shop.Srv terminating\n** (RuntimeError) boom\n    (shop 0.1.0) lib/srv.ex:5: a/1\n"
    'Kernel pid terminated (application_controller) ("{application_terminated,shop,shutdown}")\n'
)
OPAQUE = "Runtime terminating during boot ({{badmatch,{#Fun<a.1.2>,<0.1.0>,#Ref<0.1.2.3>}},[{shop,go,0,[]}]})"
COOKIE = (
    "=ERROR REPORT==== 22-Nov-2026::21:14:54.631994 ===\nFailed to create cookie file '/opt/.erlang.cookie': eacces\n"
    '=CRASH REPORT==== 22-Nov-2026::21:14:54.632122 ===\n    exception error: "Failed to create cookie file"\n'
)
NODE = (
    "2026-11-22 21:14:54 Protocol 'inet_tcp': invalid node name: shop@\n"
    'Kernel pid terminated (application_controller) ("{application_start_failure,kernel,{{shutdown,{'
    "failed_to_start_child,net_sup,{shutdown,{failed_to_start_child,net_kernel,{'EXIT',nodistribution}}}}},{kernel,start,[normal,[]]}}}\")\n"
)
COMPILED = """\
    error: undefined function f/1 (there is no such import)
    │
 18 │ config :shop, x: f(1)
    │
    └─ releases/1.0.0/runtime.exs:18

ERROR! Config provider Config.Reader failed with:
** (CompileError) releases/1.0.0/runtime.exs: cannot compile file (errors have been logged)
"""
# The VM ended before the exception was written.
LOST = (
    'Runtime terminating during boot ({#{line=>0,file=><<"/app/releases/0.1.0/runtime.exs">>,'
    "description=><<\"cannot compile file (errors have been logged)\">>,'__struct__'=>'Elixir.CompileError'},[]})\n"
)
RUNC = (
    "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime "
    'create failed: runc create failed: unable to start container process: exec: "/x": no such file: unknown\n\n'
    "Run 'docker run --help' for more information\n"
)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", BootFailure("")),
        (RAISED, BootFailure(SHOWN, line=5)),
        (TORN, BootFailure(SHOWN, line=5)),
        (CUT, BootFailure(f"{SHOWN}\n\nRuntime terminating during bo")),
        (
            UNSET,
            BootFailure(
                '** (System.EnvError) could not fetch environment variable "KEY" because it is not set', line=3
            ),
        ),
        (MIX, BootFailure("** (UndefinedFunctionError) function Mix.env/0 is undefined", "undefined", 2)),
        (
            HELPER,
            BootFailure(
                "** (Code.LoadError) could not load /app/releases/0.1.0/helper.exs. Reason: enoent",
                "file",
                2,
                "/app/releases/0.1.0/helper.exs",
            ),
        ),
        (
            MISMATCH,
            BootFailure(
                "the application :shop has a different value set for key :x during runtime compared to compile time\n"
                "Compile time value was not set\nRuntime value was set to: 2",
                "compiled value",
            ),
        ),
        (MISMATCH.partition("\n")[0], BootFailure("a configuration value differs from compile time", "compiled value")),
        (MATCH, BootFailure("** (MatchError) no match of right hand side value: {:error, :invalid_key}")),
        (SILENT, BootFailure("** (MatchError) no match of right hand side value: {:error, :invalid_key}")),
        (LINES, BootFailure("** (RuntimeError) no license\nbuy one")),
        (
            UNDEFINED,
            BootFailure(
                "** (UndefinedFunctionError) function Shop.Helper.go/0 is undefined (module Shop.Helper is not "
                "available)",
                "undefined",
            ),
        ),
        (
            FILE,
            BootFailure(
                '** (File.Error) could not read file "/app/x.json": no such file or directory',
                "file",
                path="/app/x.json",
            ),
        ),
        (CHILD, BootFailure("Shop.Srv doesn't start: :no_config")),
        (LATER, BootFailure("** (RuntimeError) boom")),
        (OPAQUE, BootFailure("** (MatchError) no match of right hand side value: {:..., :..., :...}")),
        (COOKIE, BootFailure("Failed to create cookie file '/opt/.erlang.cookie': eacces", "cookie")),
        (
            "cat: /app/releases/COOKIE: No such file or directory\n",
            BootFailure("cat: /app/releases/COOKIE: No such file or directory", "cookie", path="/app/releases/COOKIE"),
        ),
        (NODE, BootFailure(":net_kernel doesn't start: :nodistribution", "node")),
        (
            COMPILED,
            BootFailure(
                "releases/1.0.0/runtime.exs:18: undefined function f/1 (there is no such import)", "syntax", 18
            ),
        ),
        (
            LOST,
            BootFailure("/app/releases/0.1.0/runtime.exs: cannot compile file (errors have been logged)", "syntax"),
        ),
        (
            f"{COMPILED[: COMPILED.index('ERROR!')]}{LOST}",
            BootFailure(
                "releases/1.0.0/runtime.exs:18: undefined function f/1 (there is no such import)", "syntax", 18
            ),
        ),
        # Elixir 1.14, and a file that isn't whole.
        (
            "** (CompileError) releases/1.0.0/runtime.exs:18: undefined function f/1\n",
            BootFailure("releases/1.0.0/runtime.exs:18: undefined function f/1", "syntax", 18),
        ),
        (
            "** (TokenMissingError) token missing on releases/1.0.0/runtime.exs:3:5:\n"
            "    error: missing terminator: ]\n",
            BootFailure("releases/1.0.0/runtime.exs:3: missing terminator: ]", "syntax", 3),
        ),
        (
            "sh: 1: cannot create /app/x: Read-only file system\n",
            BootFailure("sh: 1: cannot create /app/x: Read-only file system", "read-only"),
        ),
        (
            "/app/releases/0.1.0/env.sh: 3: POD_IP: parameter not set\n",
            BootFailure("/app/releases/0.1.0/env.sh: 3: POD_IP: parameter not set"),
        ),
        (RUNC, BootFailure('docker: exec: "/x": no such file', refused=True)),
        (
            "exec /app/bin/shop: no such file or directory\n",
            BootFailure("exec /app/bin/shop: no such file or directory", refused=True),
        ),
        (
            "x\n[os_mon] memory supervisor port (memsup): Erlang has closed: an error\n"
            "Crash dump is being written to: /tmp/erl_crash.dump...done\n",
            BootFailure("x"),
        ),
        ("a" * 400, BootFailure("a" * 300)),
    ],
)
def test_why_a_vm_ended(output: str, expected: BootFailure) -> None:
    assert read_failure(output) == expected


@pytest.mark.parametrize("text", ["no license\nbuy one", 'say "yes" \\ no', "für 3 €", "a\tb\r\n"])
@pytest.mark.parametrize("form", ["<<{}>>", "[{}]"])
def test_texts_that_otp_prints_as_numbers(text: str, form: str) -> None:
    codes = text.encode() if form == "<<{}>>" else map(ord, text)
    printed = form.format(",".join(map(str, codes)))
    decoded = terms.decoded(f"{{#{{message => {printed}}}}}.")
    assert terms.parse(decoded) == ([(terms.Atom("message"), text.encode() if form == "<<{}>>" else text)],)


@pytest.mark.parametrize("numbers", ["[80,443,4000,5432]", "<<1,2,3>>", "<<255,254>>", "[1,2,3]", "[10,10,10,10]"])
def test_numbers_stay_numbers(numbers: str) -> None:
    assert terms.decoded(numbers) == numbers


@given(st.text(alphabet="Rruntime terminating during boot({#<[,]>})'\"\\\n 0123456789=ab*EXIT:", max_size=120))
def test_what_nobody_expects_does_no_harm(output: str) -> None:
    read_failure(f"Kernel pid terminated ({output})\n** (A) {output}")
