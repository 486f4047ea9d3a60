"""The line that tells most, out of what releases said as they ended."""

from __future__ import annotations

import pytest

from relbuild.image import telling

EXITED = r"""
{exit,terminating,[{application_controller,call,2,[{file,"application_controller.erl"},{line,511}]}]}

21:14:47.985 [notice] Application hello exited: exited in: Hello.Application.start(:normal, [])
    ** (EXIT) an exception was raised:
        ** (File.Error) could not write to file "/opt/x": permission denied
            (elixir 1.18.3) lib/file.ex:1144: File.write!/3
Kernel pid terminated (application_controller) ("{application_start_failure,hello,{bad_return,x}}")
"""
CHILD = """
20:16:04.105 [notice] Application shop exited: Shop.Application.start(:normal, []) returned an error: shutdown
    ** (EXIT) shutdown: failed to start child: Shop.Repo
        ** (EXIT) already started: #PID<0.1.0>
"""
COOKIE = r"""=ERROR REPORT==== 22-Nov-2026::21:14:54.631994 ===
Failed to create cookie file '/opt/.erlang.cookie': eacces
=CRASH REPORT==== 22-Nov-2026::21:14:54.632122 ===
    exception error: "Failed to create cookie file '/opt/.erlang.cookie': eacces"
"""
KERNEL = (
    r"""Kernel pid terminated (application_controller) ("{application_start_failure,kernel,{{shutdown,{"""
    r"""failed_to_start_child,auth,{\"Failed to create cookie file '/opt/.erlang.cookie': eacces\",[{auth,init,1,["""
    r"""{file,\"auth.erl\"},{line,360}]}]}}},{kernel,start,[normal,[]]}}}")"""
)
WRITE = (
    r"""Kernel pid terminated (application_controller) ("{application_start_failure,hello,{bad_return,{{'Elixir.A',"""
    r"""start,[normal,[]]},{'EXIT',{#{reason => erofs,path => <<\"/opt/x\">>,action => <<\"write to file\">>}}}}}}")"""
)
BOOT = (
    """Runtime terminating during boot ({#{message=><<"no database">>,'__struct__'=>'Elixir.RuntimeError'},"""
    """[{elixir_eval,'__FILE__',1,[{file,"/app/releases/0.1.0/runtime.exs"},{line,1}]}]})"""
)
STARTING = (
    "Runtime terminating during boot ({shutdown,{failed_to_start_child,top,{shutdown,"
    "{failed_to_start_child,listener,{listen,eaddrinuse}}}}})"
)
UNKNOWN = 'Runtime terminating during boot ({undef,[{shop,go,0,[{file,"shop.erl"}]}]})'


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", ""),
        ("\n  \n", ""),
        (EXITED, '** (File.Error) could not write to file "/opt/x": permission denied'),
        (CHILD, "** (EXIT) already started: #PID<0.1.0>"),
        (COOKIE, "Failed to create cookie file '/opt/.erlang.cookie': eacces"),
        (KERNEL, "Failed to create cookie file '/opt/.erlang.cookie': eacces"),
        (WRITE, "/opt/x: erofs"),
        (BOOT, "no database"),
        (STARTING, "listener doesn't start: {listen,eaddrinuse}"),
        (UNKNOWN, UNKNOWN),
        (
            "error: first\n=ERROR REPORT==== now ===\n** (RuntimeError) no\n** (RuntimeError) later",
            "** (RuntimeError) no",
        ),
        ("12:00:00.000 [error] Task terminating ** (ArgumentError) no\n", "** (ArgumentError) no"),
        (
            "error: first\nsh: 1: cannot create /app/x: Read-only file system",
            "sh: 1: cannot create /app/x: Read-only file system",
        ),
        (
            "x\n[os_mon] memory supervisor port (memsup): Erlang has closed: an error\n"
            "Crash dump is being written to: /tmp/erl_crash.dump...done\n",
            "x",
        ),
        ("a" * 400, "a" * 300),
    ],
)
def test_the_line_that_tells_most(output: str, line: str) -> None:
    assert telling.line(output) == line
