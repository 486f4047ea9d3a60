"""Settings of Distillery's that mix release doesn't take over, and what takes their place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.convert.rel_config import RelConfig, Setting
from relbuild.errors import Problem
from relbuild.mix.facts import Known, Tree, Unknown

_INSTEAD = {
    "dev_mode": "MIX_ENV=dev mix phx.server, or iex -S mix, is for developing",
    "include_src": "a release of Mix's has no sources; steps: in mix.exs may copy them",
    "executable": "steps: [:assemble, :tar] in mix.exs packs the release",
    "erl_opts": "write them into rel/vm.args.eex",
    "run_erl_env": "export them in rel/env.sh.eex",
    "sys_config": "config/config.exs and config/runtime.exs have what it says",
    "included_configs": "config/runtime.exs can read what is outside of the release",
    "appup_transforms": "a release of Mix's isn't upgraded while it runs",
    "overlay_vars": "files in rel/overlays are copied as they are",
    "overrides": "files in rel/overlays are copied as they are",
    "output_dir": "path: in the release's options says where it is assembled",
    "config": "config_path: in `project` of mix.exs says which file is read",
    "erts_version": "a release has the Erlang that it is built with",
    "include_system_libs": "include_erts: in the release's options says it, too",
}
_OTHERWISE = "where it had an effect, an option of the release or one of its steps: in mix.exs takes its place"
# What has its own place in the conversion, or needs none: Mix's boot scripts never read a .erlang file.
_HANDLED = frozenset(
    {
        *("version", "applications", "include_erts", "strip_debug_info", "vm_args", "cookie", "commands", "overlays"),
        *("config_providers", "no_dot_erlang"),
    }
)


def look(tree: Tree, config: RelConfig, *, cookie: bool) -> Iterator[Problem]:
    """Yield what isn't taken over: settings, plugins and appups; `cookie` says whether the configured one was used."""
    for setting in config.settings:
        handled = setting.key in _HANDLED or re.fullmatch(r"(?:pre|post)_\w+_hooks?", setting.key)
        if not handled and not _without_effect(setting):
            hint = _INSTEAD.get(setting.key, _OTHERWISE)
            yield Problem(f"mix release has no {setting.key}", setting.at, hint)
        elif setting.key == "cookie" and cookie and has_cookie(setting):
            message = "a cookie stands here, and is not taken over: a file of the project is no place for a secret"
            yield Problem(message, setting.at, "set RELEASE_COOKIE where the release runs, to a new value")
    for plugin in dict.fromkeys(plugin for release in config.releases for plugin in release.plugins):
        hint = "write a function that does the same into the release's steps: in mix.exs"
        yield Problem(f"mix release has no plugins: {plugin.module}", plugin.at, hint)
    if tree.list("rel/appups"):
        at = config.releases[0].at if config.releases else None
        yield Problem("mix release has no appups: rel/appups", at, "start the new release in place of the old one")


def has_cookie(setting: Setting) -> bool:
    """Say whether a setting holds a cookie that is one: not an empty one, nor what is read from elsewhere."""
    value = setting.value.value if isinstance(setting.value, Known) else None
    return value is not None and str(value).strip(":") != "" and cookie_variable(setting) is None


def cookie_variable(setting: Setting) -> str | None:
    """Return the ``${VAR}`` that is all of a cookie, which Distillery replaced at the start."""
    value = setting.value.value if isinstance(setting.value, Known) else None
    text = str(value).removeprefix(":")
    return text if re.fullmatch(r"\$\{[A-Za-z_]\w*\}", text, re.ASCII) else None


def _without_effect(setting: Setting) -> bool:
    if isinstance(setting.value, Unknown):
        return False
    value = setting.value.value
    return not value or getattr(value, "items", None) == ()
