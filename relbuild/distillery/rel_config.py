"""rel/config.exs: the releases and settings that it defines, and those that mix release doesn't have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Scope
from relbuild.elixir.syntax import arguments, body, callee, pair_key, parse, parts
from relbuild.elixir.values import Atom, List, Term, Tuple, exact
from relbuild.errors import Mark, Problem
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.distillery import FILE

_PROD = "prod"
# What an environment for another place than production is called; its settings are nothing to a release's.
_ELSEWHERE = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its value, Unknown where only Elixir can tell, and where it stands."""

    key: str
    value: Term
    at: Mark
    version_of: str | None = None
    """The application whose `current_version` it is."""

    @property
    def text(self) -> str | None:
        """The value, where it is a known text that isn't empty."""
        value = self.value.value if isinstance(self.value, Known) else None
        return value if isinstance(value, str) and value else None

    @property
    def path(self) -> str | None:
        """The value as a path, as `git` writes it."""
        return posixpath.normpath(self.text) if self.text is not None else None

    @property
    def items(self) -> tuple[Term, ...] | None:
        """The elements, where it is a list that is known throughout."""
        if isinstance(self.value, Known) and isinstance(self.value.value, List) and exact(self.value):
            return tuple(item for item in self.value.value.items if isinstance(item, Known))
        return None


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that changes the release while it is made."""

    module: str
    at: Mark


@dataclass(frozen=True, slots=True)
class Release:
    """A release with the settings that hold for it, by their keys."""

    name: str
    at: Mark
    settings: Mapping[str, Setting]
    plugins: tuple[Plugin, ...]


@dataclass(frozen=True, slots=True)
class RelConfig:
    """The releases in their order, and which of them is meant where none is named."""

    releases: tuple[Release, ...]
    default: str | None
    look: tuple[Problem, ...]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Every setting that counts, each once."""
        found = {setting.at: setting for release in self.releases for setting in release.settings.values()}
        return tuple(found.values())


def read(tree: Tree, content: bytes) -> RelConfig:
    """Return what rel/config.exs says; raise ProjectError where it isn't Elixir."""
    return _Reading(Evaluator(parse(FILE, content), tree)).config()


class _Reading:
    def __init__(self, evaluator: Evaluator) -> None:
        self.on = evaluator
        self.source = evaluator.source
        self.look: list[Problem] = []

    def config(self) -> RelConfig:
        given: dict[str, str | None] = {}
        blocks: dict[str, list[tuple[str, Node]]] = {"environment": [], "release": []}
        for node in parts(self.source.root):
            word = callee(node)
            if word == "use":
                given = {key: self.name(value) for key, value, _ in self.pairs(arguments(node)[1:])}
            elif word in blocks:
                name = self.name(arguments(node)[0]) if arguments(node) else None
                if name is not None and body(self.source, node) is not None:
                    blocks[word].append((name, node))
                else:
                    self.unread(node, f"this {word}")
        chosen = self.environment(blocks["environment"], given.get("default_environment"))
        releases = [self.release(name, node, chosen) for name, node in blocks["release"]]
        # Without a choice it is the first (Distillery's own example_config.eex).
        default = given.get("default_release")
        names = [release.name for release in releases]
        first = names[0] if names else None
        return RelConfig(tuple(releases), default if default in names else first, tuple(self.look))

    def environment(self, found: list[tuple[str, Node]], default: str | None) -> Node | None:
        """Return the environment for production: prod, or else the one that Distillery takes unasked."""
        names = [name for name, _ in found]
        chosen = next((name for name in (_PROD, default, "default") if name in names), None)
        for name, node in found:
            if name != chosen and name not in _ELSEWHERE:
                self.look.append(
                    Problem(
                        f"environment :{name}: mix release has none, its settings are not taken over",
                        self.source.mark(node),
                        "where it is more than another environment variable, define a second release in mix.exs",
                    )
                )
        return dict(found).get(chosen) if chosen is not None else None

    def release(self, name: str, node: Node, environment: Node | None) -> Release:
        settings: dict[str, Setting] = {}
        plugins: list[Plugin] = []
        # An environment's settings take the place of a release's (Distillery.Releases.Release.apply_environment/2).
        for block in (node, environment) if environment is not None else (node,):
            for setting in self.settings(block):
                unset = setting.items == () or (isinstance(setting.value, Known) and setting.value.value is None)
                if block is node or not unset:
                    settings[setting.key] = setting
            plugins += [
                Plugin(self.source.text(arguments(each)[0]), self.source.mark(each))
                for each in body(self.source, block) or []
                if callee(each) == "plugin" and arguments(each)
            ]
        return Release(name, self.source.mark(node), settings, tuple(plugins))

    def settings(self, block: Node) -> Iterator[Setting]:
        for call in body(self.source, block) or []:
            if callee(call) not in ("set", "plugin"):
                self.unread(call, "this")
            for key, value, at in self.pairs(arguments(call)) if callee(call) == "set" else ():
                yield Setting(key, self.on.evaluate(value, Scope(None)), at, self.version_of(value))

    def version_of(self, node: Node) -> str | None:
        given = arguments(node) if callee(node) == "current_version" else []
        return self.name(given[0]) if given else None

    def pairs(self, written: list[Node]) -> Iterator[tuple[str, Node, Mark]]:
        for node in written:
            inside = parts(node) if node.type == "list" else [node]
            for keywords in (each for each in inside if each.type == "keywords"):
                for pair in parts(keywords):
                    key, value = pair_key(self.source, pair), pair.child_by_field_name("value")
                    if key is not None and value is not None:
                        yield key, value, self.source.mark(pair)

    def name(self, node: Node) -> str | None:
        term = self.on.evaluate(node, Scope(None))
        return term.value.name if isinstance(term, Known) and isinstance(term.value, Atom) else None

    def unread(self, node: Node, what: str) -> None:
        # A cookie is not to be shown.
        shown = "" if "cookie" in self.source.text(node).lower() else f": `{self.source.excerpt(node)}`"
        message = f"{what} can't be read without running Elixir{shown}"
        hint = "what it sets belongs into `releases` in mix.exs"
        self.look.append(Problem(message, self.source.mark(node), hint))


def atom(term: Term) -> str | None:
    """Return an atom's name; None for anything else."""
    return term.value.name if isinstance(term, Known) and isinstance(term.value, Atom) else None


def pairs(setting: Setting | None) -> Iterator[tuple[str, str, Mark]]:
    """Yield name, text and place of each `name: "text"` in a setting that is a known keyword list."""
    for item in (setting.items if setting is not None else None) or ():
        value = item.value if isinstance(item, Known) else None
        if isinstance(value, Tuple) and len(value.items) == 2:
            name, text = value.items
            if isinstance(text, Known) and isinstance(text.value, str) and (key := atom(name)) is not None:
                yield key, text.value, text.at


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
            message = "this line has a cookie, which is not copied: a secret has no place in a file of the project"
            yield Problem(message, setting.at, "set RELEASE_COOKIE where the release runs, to a new value")
    for plugin in dict.fromkeys(plugin for release in config.releases for plugin in release.plugins):
        hint = "write a function that does the same into the release's steps: in mix.exs"
        yield Problem(f"mix release has no plugins: {plugin.module}", plugin.at, hint)
    if tree.list("rel/appups"):
        at = config.releases[0].at if config.releases else None
        yield Problem("mix release has no appups: rel/appups", at, "start the new release in place of the old one")


def has_cookie(setting: Setting) -> bool:
    """Return whether a setting holds a cookie that is one: not an empty one, nor what is read from elsewhere."""
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
