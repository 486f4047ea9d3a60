"""vm.args, hooks, commands and overlays: what goes where, and what stays for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relbuild.distillery import vm_args

After = Callable[..., dict[str, str | None]]
Told = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "lines", "node", "cookie"),
    [
        ("-name shop@127.0.0.1\n+K true\n", ["+K true"], ("name", "shop@127.0.0.1"), None),
        (
            "## The node\n-sname <%= release_name %>\n\n## Cookie\n-setcookie ${COOKIE}\n\n# On\n+A 5\n",
            ["# On", "+A 5"],
            ("sname", "<%= @release.name %>"),
            "${COOKIE}",
        ),
        (
            "-name <%=release_name%>@${IP} -setcookie ${C} +A 5\n",
            ["+A 5"],
            ("name", "<%= @release.name %>@${IP}"),
            "${C}",
        ),
        ("##-name <%= x %>\n##+K true\n", ["##-name <%%= x %>", "##+K true"], (None, None), None),
        ("-kernel inet_dist_listen_min 9100\r\n", ["-kernel inet_dist_listen_min 9100"], (None, None), None),
        ("-setcookie <%= release.profile.cookie %>\n", [], (None, None), None),
        ("-name\n  a@b # $(x)\n+A\n5\n-setcookie\n${C}\n", ["+A", "5"], ("name", "a@b"), "${C}"),
        ("-setcookie \"${C}\"\n-sname 'a'\n", [], ("sname", "a"), "${C}"),
        ("-name a@$HOME\n+A 5 # -setcookie x\n# -setcookie\n# x\n", ["+A 5"], ("name", "a@\\$HOME"), None),
    ],
)
def test_vm_args(text: str, lines: list[str], node: tuple[str | None, str | None], cookie: str | None) -> None:
    args = vm_args.read("rel/vm.args", text)
    assert (args.lines, (args.distribution, args.node), args.cookie, args.look) == (lines, node, cookie, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("+A 1\n-setcookie monster\n", "rel/vm.args:2:1: this line has a cookie"),
        ("-config /etc/x.config\n", "rel/vm.args:1:1: -config is Mix's own"),
        ("-args_file y\n", "rel/vm.args:1:1: -args_file is Mix's own"),
        ("+P <%= overlay %>\n", "rel/vm.args:1:1: this flag is computed"),
        ("-name <%= foo %>@x\n", "rel/vm.args:1:1: the node's name is computed"),
        ("-setcookie\n'the monster'\n", "rel/vm.args:1:1: this line has a cookie"),
        ("-setcookie a@b monster\n", "rel/vm.args:1:1: this line has a cookie"),
        ("-setcookie ${C:-monster}\n", "rel/vm.args:1:1: this line has a cookie"),
        ("+A 1\n  +A ${N:-5}\n", "rel/vm.args:2:3: a ${…} in it is no variable's plain name"),
        ("-name a@${IP:-x}\n", "rel/vm.args:1:1: the node's name is computed: a@${IP:-x}"),
        ("-x 'a ${B}'\n", "rel/vm.args:1:1: this flag isn't moved: a shell splits"),
        ("-x a\\ ${B}\n", "rel/vm.args:1:1: this flag isn't moved: a shell splits"),
        ("-x ${B}/*\n", "rel/vm.args:1:1: this flag isn't moved: a shell splits"),
    ],
)
def test_what_vm_args_leaves_to_a_person(text: str, message: str) -> None:
    [problem] = vm_args.read("rel/vm.args", text).look
    assert f"{problem.at}: {problem.message}".startswith(message)
    assert "monster" not in str(problem)


def test_flags_from_the_environment_are_given_at_the_start(after: After) -> None:
    files = after(files={"rel/vm.args": '+Q 1024\n+P ${MAX} -x "y"\n'})
    assert files["rel/env.sh.eex"] == (
        "#!/bin/sh\n"
        "# bin/<%= @release.name %> sources this file, with a plain POSIX sh, before each of its commands.\n\n"
        "# Not for the other commands, whose VM runs beside that of the system.\n"
        'case "$RELEASE_COMMAND" in\n'
        "  start* | daemon*)\n"
        '    export ELIXIR_ERL_OPTIONS="${ELIXIR_ERL_OPTIONS:-} +P ${MAX} -x y"\n'
        "    ;;\n"
        "esac\n"
    )
    assert (files["rel/vm.args"], "+P" in (files["rel/vm.args.eex"] or "")) == (None, False)


@pytest.mark.parametrize("cookie", [':"s3cret"', '"s3cret"', ":s3cret"])
def test_no_cookie_is_written_or_shown(convert: Any, cookie: str) -> None:
    conversion = convert(
        f"set cookie: {cookie}", files={"rel/vm.args": "-name a@b\n# -setcookie s3cret\n-setcookie s3cret\n"}
    )
    assert "s3cret" not in conversion.diff() + str(conversion.look)
    assert {change.path for change in conversion.changes if change.after is None} == {"rel/config.exs", "rel/vm.args"}
    assert [str(each.at) for each in conversion.look] == ["rel/vm.args:3:1"]


def test_the_words_of_a_flag_stay_together(after: After) -> None:
    files = after(files={"rel/vm.args": "+P\n# why\n${MAX} # $(touch x)\n"})
    assert '${ELIXIR_ERL_OPTIONS:-} +P ${MAX}"' in (files["rel/env.sh.eex"] or "")
    assert "+P" not in (files["rel/vm.args.eex"] or "")


def test_the_configured_cookie_is_looked_at_where_it_was_used(told: Told) -> None:
    used = {"rel/vm.args": "-setcookie <%= release.profile.cookie %>\n"}
    assert [each[:18] for each in told("set cookie: :abc", files=used)] == ["rel/config.exs:8:5"]
    assert told('set cookie: ""', files=used) == []


@pytest.mark.parametrize(
    "written",
    [
        'set "cookie": :"s3cret"',
        'set [{:cookie, :"s3cret"}]',
        'set(cookie: "s3cret")',
        'cookie = "s3cret"\nset cookie: cookie',
        'set cookie: ""\n  <> "s3cret"',
        'set cookie: "${X}" <> "s3cret"',
        'set cookie: "" # s3cret',
        '# set cookie: "s3cret"',
    ],
)
def test_no_cookie_of_the_configuration_is_shown_however_it_is_written(convert: Any, written: str) -> None:
    conversion = convert(written)
    assert "s3cret" not in conversion.diff() + str(conversion.look)


@pytest.mark.parametrize(
    "written", ['set cookie: ""', "set(cookie: nil)", 'set cookie: "${C}"', "set [{:cookie, nil}]"]
)
def test_a_configuration_without_a_secret_is_shown(convert: Any, written: str) -> None:
    assert f"-{written}" in convert(written).diff()


@pytest.mark.parametrize("cookie", ['"${C}"', ':"${C}"'])
def test_a_cookie_from_a_variable_goes_to_env_sh(convert: Any, cookie: str) -> None:
    files = {"rel/vm.args": "-name a@b\n-setcookie <%= release.profile.cookie %>\n"}
    conversion = convert(f"set(cookie: {cookie})", files=files)
    [env] = [each.after for each in conversion.changes if each.path == "rel/env.sh.eex"]
    assert ('export RELEASE_COOKIE="${C}"\n' in env, conversion.look) == (True, ())


def test_without_wishes_the_templates_are_those_of_init(after: After) -> None:
    files = after(files={"rel/vm.args": None})
    assert "it listens\n# on 127.0.0.1 and needs no epmd" in (files["rel/env.sh.eex"] or "")
    assert "+Q 65536" in (files["rel/vm.args.eex"] or "")


def test_hooks_of_a_directory_go_in_the_order_of_their_names(after: After) -> None:
    hooks = {"rel/hooks/b.sh": "export B=<%\n", "rel/hooks/a.sh": "#!/bin/sh\nexport A=1\n"}
    files = after("", 'set pre_configure_hooks: "rel/hooks"', files=hooks)
    assert (files["rel/env.sh.eex"] or "").endswith("\n\nexport A=1\n\nexport B=<%%\n")
    assert [files[path] for path in hooks] == [None, None]


@pytest.mark.parametrize(
    ("script", "called"),
    [
        ("bin/shop command Elixir.Shop.Tasks seed", "relbuild eval 'Shop.Tasks.seed()'"),
        ('exec "$SCRIPT" command Shop.Tasks seed "$@"', "relbuild eval 'Shop.Tasks.seed()'"),
        ('release_ctl eval --mfa "Shop.Tasks.seed/0"', "relbuild eval 'Shop.Tasks.seed()'"),
        ('release_ctl eval --mfa "Shop.seed/1" --argv -- "$@"', "relbuild eval 'Shop.seed(System.argv())'"),
        ('release_ctl eval --mfa="Shop.seed/1" --argv', "relbuild eval 'Shop.seed([])'"),
        ('release_remote_ctl rpc --mfa "Shop.stats/0"', "relbuild rpc 'Shop.stats()'"),
        ("release_ctl eval 'IO.puts(1)'", "relbuild eval 'IO.puts(1)'"),
    ],
)
def test_a_command_that_is_one_call_is_told_and_goes(convert: Any, script: str, called: str) -> None:
    files = {"rel/commands/x": f"#!/bin/sh\nset -e\n# why\n{script}\n"}
    conversion = convert('set commands: [x: "rel/commands/x"]', files=files)
    [problem] = conversion.look
    assert (str(problem.at), (problem.hint or "").partition(", or ")[0]) == ("rel/commands/x:4:1", called)
    assert [each.after for each in conversion.changes if each.path == "rel/commands/x"] == [None]


@pytest.mark.parametrize("script", ["cd /\nbin/shop command Shop x", "bin/shop command Shop x | tee log", "echo x"])
def test_another_command_stays(convert: Any, script: str) -> None:
    conversion = convert('set commands: [x: "rel/commands/x"]', files={"rel/commands/x": f"{script}\n"})
    assert [str(each.at) for each in conversion.look] == ["rel/commands/x:1:1"]
    assert "rel/commands/x" not in {each.path for each in conversion.changes}


def test_migrate_is_relbuild_s_own(convert: Any) -> None:
    files = {
        "rel/commands/m": "bin/shop command Elixir.Shop.Release migrate\n",
        "lib/release.ex": "defmodule Shop.Release do\n  def migrate, do: :ok\nend\n",
    }
    settings = 'set commands: [migrate: "rel/commands/m"]'
    known = convert(settings, files=files).look[0].hint
    assert known.startswith("relbuild migrate does it; else relbuild eval 'Shop.Release.migrate()'")
    del files["lib/release.ex"]
    unknown = convert(settings, files=files).look[0].hint
    assert unknown.startswith("relbuild migrate does it with `migrate: Shop.Release.migrate()` in relbuild.yml; else")


def test_copies_become_overlays_and_the_provider_s_file_runtime_exs(after: After) -> None:
    settings = (
        'set overlays: [{:copy, "rel/c.exs", "etc/c.exs"}, {:copy, "rel/motd", "etc/motd"}]\n'
        'set config_providers: [{Mix.Releases.Config.Providers.Elixir, ["${RELEASE_ROOT_DIR}/etc/c.exs"]}]\n'
    )
    files = {"rel/c.exs": 'use Mix.Config\n\nconfig :shop, a: """\nx\n"""\n', "rel/motd": "hi\n"}
    changed = after(settings, files=files)
    assert {
        path: changed[path] for path in ("config/runtime.exs", "rel/overlays/etc/motd", "rel/c.exs", "rel/motd")
    } == {
        "config/runtime.exs": (
            'import Config\n\nif config_env() == :prod do\n  config :shop, a: """\n  x\n  """\nend\n'
        ),
        "rel/overlays/etc/motd": "hi\n",
        "rel/c.exs": None,
        "rel/motd": None,
    }


def test_what_a_release_s_configuration_can_not_do(convert: Any) -> None:
    settings = (
        'set overlays: [{:copy, "rel/c.exs", "etc/c.exs"}]\n'
        'set config_providers: [{Mix.Releases.Config.Providers.Elixir, ["${RELEASE_ROOT_DIR}/etc/c.exs"]}]\n'
    )
    lines = (
        *("use Mix.Config", "# import_config", "config :shop, a: Mix.env()", 'import_config "more.exs"'),
        *('config :shop, root: Path.expand("..", __DIR__)', 'config :shop, b: System.get_env("RELEASE_ROOT_DIR")'),
        "config :kernel, inet_dist_listen_min: 9100",
    )
    files = {"rel/c.exs": "\n".join(lines) + "\n"}
    look = [each for each in convert(settings, files=files).look if each.at is not None and each.at.file == "rel/c.exs"]
    goes = "; this goes to config/runtime.exs"
    assert [(str(each.at), each.message.removesuffix(goes)) for each in look] == [
        ("rel/c.exs:3:18", "Mix isn't there when a release starts"),
        ("rel/c.exs:4:1", "config/runtime.exs can't import another file: the release doesn't start with it"),
        ("rel/c.exs:5:39", "__DIR__ is where the release has config/runtime.exs now: releases/VERSION"),
        ("rel/c.exs:6:34", "RELEASE_ROOT_DIR is Distillery's"),
        ("rel/c.exs:7:1", "the kernel is up before config/runtime.exs is read"),
    ]
    assert all(each.message.endswith(goes) for each in look)


@pytest.mark.parametrize(
    "overlay",
    [
        '{:mkdir, "x"}',
        '{:link, "a", "b"}',
        '{:template, "rel/a", "b"}',
        '{:copy, "priv/a", "b"}',
        '{:copy, "rel/a", "b"}',
    ],
)
def test_other_overlays_are_left_to_a_person(told: Told, overlay: str) -> None:
    [message] = told(f"set overlays: [{overlay}]")
    assert message.startswith("rel/config.exs:8:16: ")


def test_paths_are_written_as_they_are(after: After) -> None:
    files = {"vm.args": "+A 5\n", "rel/pre.sh": "A=1\n", "rel/c": "bin/shop command Shop x\n", "rel/motd": "hi\n"}
    settings = (
        'set vm_args: "./vm.args", pre_configure_hook: "rel//pre.sh", commands: [x: "./rel/c"]\n'
        'set overlays: [{:copy, "./rel/motd", "./etc//motd"}]'
    )
    changed = after(settings, files=files)
    assert {path: changed.get(path, "left") for path in files} == dict.fromkeys(files)
    assert changed["rel/overlays/etc/motd"] == "hi\n"


def test_a_vm_args_that_is_not_there_is_told(told: Told) -> None:
    assert told('set vm_args: "rel/none"') == ["rel/config.exs:8:5: vm_args names rel/none, which isn't there"]


def test_what_is_there_is_not_overwritten(convert: Any) -> None:
    conversion = convert(files={"rel/vm.args": "-name a@b\n", "rel/env.sh.eex": "# mine\n"})
    assert "rel/env.sh.eex" not in {each.path for each in conversion.changes}
    [problem] = conversion.look
    assert (problem.message, "RELEASE_NODE" in (problem.hint or "")) == (
        "rel/env.sh.eex is there already, and stays as it is",
        True,
    )


SEVERAL = """use Mix.Releases.Config
release :a do
  set vm_args: "rel/a.args", commands: [x: "rel/x"]
end
release :b do
  set vm_args: "./rel/%s.args", commands: [x: "rel/x"]
end
"""


@pytest.mark.parametrize(
    ("second", "looks"),
    [
        ("a", []),
        (
            "b",
            [
                "rel/config.exs:6:7: this file isn't taken over: rel/a.args now holds for all releases, "
                "in one rel/vm.args.eex"
            ],
        ),
    ],
)
def test_what_several_releases_share_is_told_once(told: Told, second: str, looks: list[str]) -> None:
    files = {"rel/config.exs": SEVERAL % second, "rel/a.args": "+A 5\n", "rel/x": "echo 1; echo 2\n"}
    gone = "rel/x:1:1: bin/a x is gone: mix release has no commands of a project's own"
    assert told(files=files) == [*looks, gone]
