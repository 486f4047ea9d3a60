"""A Distillery project as `mix release` has it: every file that changes, and what is left to a person."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace

from relbuild.config import Config
from relbuild.distillery import (
    commands,
    configuration,
    dependency,
    env_sh,
    mix_exs,
    overlays,
    rel_config,
    shell,
    usage,
    vm_args,
)
from relbuild.distillery.outcome import Outcome, outside
from relbuild.distillery.rel_config import RelConfig
from relbuild.distillery.vm_args import VmArgs
from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.elixir.versions import Version
from relbuild.errors import ConfigError, Mark, Problem, ProjectError
from relbuild.facts import Known, Tree
from relbuild.init import rel_templates
from relbuild.init.change import Change
from relbuild.mix import distillery
from relbuild.mix import project as mix_project
from relbuild.mix.project import Project
from relbuild.mix.toolchain.requests import read_request

# A cookie of rel/config.exs that is none, or a variable's; any other word of one may be followed by a secret.
_COOKIE = re.compile(
    r"""["']?\bcookie["']?\s*(?::|=>|,|=)\s*:?(?:""|''|nil\b|"\$\{\w+\}")"""
    r"""(?=[ \t]*(?:[)\]},]|\n(?!\s*(?:<>|\|\||\+\+|\|>))|$))"""
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What changes, and what a person has to look at, each at its place."""

    changes: tuple[Change, ...]
    look: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    def diff(self, base: str = "") -> str:
        """Return all changes, one after the other, for `git apply`; the project lies at `base` in its repository."""
        changes = (replace(change, path=posixpath.join(base, change.path)) for change in self.changes)
        return "".join(change.git_diff for change in changes)


def make(tree: Tree, config: Config) -> Conversion:
    """Return what makes the project one for `mix release`.

    Raises ProjectError for one without Distillery, and where mix.exs or rel/config.exs can't be read.
    """
    project = mix_project.read_project(tree, BuildEnvironment.of(config))
    depends = any(dep.app == dependency.APP for part in (project, *project.apps) for dep in part.deps)
    if distillery.distillery_place(tree) is None and not depends:
        message = "this is no Distillery project: nothing to convert"
        raise ProjectError(message, hint="relbuild init writes what a project for mix release lacks")
    content = tree.read(distillery.FILE)
    said = rel_config.read(tree, content) if content is not None else RelConfig((), None, ())
    outcome = Outcome(tree)
    return _Conversion(outcome, project, said, _elixir(outcome, config, project)).made()


def _elixir(outcome: Outcome, config: Config, project: Project) -> Version | None:
    """Return the Elixir that the project asks for, None where any will do; note one without `mix release`."""
    try:
        pin = read_request(outcome.tree, config, project.required_elixir, rebar3=False).elixir
    except (ConfigError, ProjectError):
        return None
    if pin is None or pin.version is None:
        return None
    version = Version.parse(pin.version) or Version.parse(f"{pin.version}.0")
    if version is not None and version < mix_exs.FIRST:
        message = f"Elixir {pin.version} has no mix release: that came with 1.9"
        outcome.look.append(Problem(message, pin.at, "ask for a newer one"))
        return None
    return version


@dataclass(frozen=True, slots=True)
class _Conversion:
    outcome: Outcome
    project: Project
    config: RelConfig
    elixir: Version | None

    def made(self) -> Conversion:
        outcome, tree = self.outcome, self.outcome.tree
        outcome.notes(self.config.look)
        recorded = self.releases()
        if self.dependency():
            self.lock()
        self.rel()
        commands.tell(outcome, self.config, self.project)
        file = overlays.path(tree, self.project, self.elixir)
        provided = self.provided(file)
        settings = configuration.runtime_settings(tree, file)
        outcome.notes(settings.look)
        overlays.write(outcome, file, provided, settings.lines)
        names = tuple(release.name for release in self.config.releases)
        own = frozenset(
            name for each in self.config.releases for name, _, _ in rel_config.pairs(each.settings.get("commands"))
        )
        if self.depends():
            outcome.notes(usage.look(tree, names, own))
        outcome.notes(usage.task_aliases(self.project))
        outcome.notes(usage.plain_arguments(tree, self.project))
        outcome.notes(usage.mix_calls(tree, self.project))
        outcome.notes(usage.code_look(tree, self.project))
        if not recorded:
            outcome.keep()
        look = sorted(dict.fromkeys(outcome.look), key=lambda each: each.at or Mark("", 0))
        return Conversion(outcome.changes(), tuple(look), mix_exs.stripped(self.project, self.config))

    def provided(self, file: str) -> str | None:
        """Move the overlays; return what goes into the runtime configuration, whose source stays where that is told."""
        before = set(self.outcome.files)
        provided = overlays.move(self.outcome, self.config, file)
        if provided is not None and outside(file):
            for path in set(self.outcome.files) - before:
                if (self.outcome.read(path) or "").replace("use Mix.Config", "import Config") == provided:
                    del self.outcome.files[path]
        return provided

    def releases(self) -> bool:
        """Put the releases into mix.exs; return whether it has what rel/config.exs says of them."""
        outcome, project = self.outcome, self.project
        outcome.notes(mix_exs.older(project))
        outcome.notes(mix_exs.too_old(project, self.config, self.elixir))
        written = mix_exs.with_releases(outcome.tree.read("mix.exs") or b"", project, self.config)
        outcome.notes(written.look)
        if written.content is not None:
            outcome.files["mix.exs"] = written.content
        return written.recorded

    def depends(self) -> bool:
        """Return whether Distillery makes the releases: a rel/config.exs or an entry in mix.lock may be a leftover."""
        files = [posixpath.join(part.path, "mix.exs") for part in (self.project, *self.project.apps)]
        return any(dependency.APP.encode() in (self.outcome.tree.read(file) or b"") for file in files)

    def dependency(self) -> bool:
        """Take Distillery out of mix.exs and of an umbrella's children's; return whether none depends on it now."""
        outcome, gone = self.outcome, True
        for part in (self.project, *self.project.apps):
            file = posixpath.join(part.path, "mix.exs")
            content = outcome.tree.read(file) or b""
            read = [dep.at for dep in part.deps if dep.app == dependency.APP]
            if not read and dependency.APP.encode() not in content:
                continue
            without = dependency.without(file, (outcome.files.get(file) or "").encode() or content)
            if without is not None:
                outcome.files[file] = without.decode()
            depends, others = dependency.left(file, content)
            if without is None and not depends:
                depends = read
            gone = gone and not depends
            message = "the dependency on distillery is written so that relbuild can't take it out"
            hint = "remove it, and what is only there for it, then mix deps.clean --unlock --unused"
            outcome.notes(Problem(message, at, hint) for at in depends)
            hint = "remove it, where it means the dependency: without that there is no such application"
            outcome.notes(Problem("distillery is named here, too", at, hint) for at in others)
        return gone

    def lock(self) -> None:
        """Take Distillery out of mix.lock."""
        file = self.project.lockfile.value if isinstance(self.project.lockfile, Known) else "mix.lock"
        if file.startswith(("/", "..")) or (content := self.outcome.tree.read(file)) is None:
            return
        unlocked, needed = dependency.unlocked(file, content)
        self.outcome.files[file] = unlocked.decode()
        if needed:
            message = f"{file} still has distillery: {', '.join(needed)} depend{'s' * (len(needed) == 1)} on it"
            hint = f"it stays while {', '.join(needed)} {'does' if len(needed) == 1 else 'do'}"
            self.outcome.look.append(Problem(message, Mark(file, 1), hint))

    def rel(self) -> None:
        """Write rel/env.sh.eex and rel/vm.args.eex, and let go what they are made from."""
        outcome = self.outcome
        lines = env_sh.move_hooks(outcome, self.config)
        args = self.vm_args()
        # Distillery's own template of it took the configured cookie.
        wanted = args or VmArgs(configured_cookie=True)
        self.cookie(wanted)
        env = env_sh.env_sh(lines, wanted)
        vm = env_sh.vm_args(args) if args is not None else None
        for name, made in zip(rel_templates.NAMES, (env, vm), strict=True):
            if made is None and outcome.tree.read(f"rel/{name}") is not None:
                # There is nothing that it lacks.
                continue
            content = made or rel_templates.render(name, self.project)
            outcome.add(f"rel/{name}", content, "it should say what this one says, too")
        used = wanted.configured_cookie and wanted.cookie is None
        outcome.notes(rel_config.look(outcome.tree, self.config, cookie=used))
        text = outcome.read(distillery.FILE)
        if text is not None:
            outcome.remove(distillery.FILE)
            if "cookie" in _COOKIE.sub("", text).lower():
                outcome.secrets.add(distillery.FILE)

    def cookie(self, args: VmArgs) -> None:
        """Let env.sh have the variable that the cookie of rel/config.exs is, where vm.args takes that."""
        said = [each for each in self.config.settings if each.key == "cookie"]
        names = {rel_config.cookie_variable(each) for each in said}
        if not args.configured_cookie or args.cookie is not None:
            return
        if len(names) == 1 and (name := names.pop()) is not None:
            args.cookie = shell.quoted(name)
            return
        for each in said:
            if (name := rel_config.cookie_variable(each)) is not None:
                hint = "export RELEASE_COOKIE in rel/env.sh.eex, by $RELEASE_NAME"
                self.outcome.look.append(Problem(f"not all releases have this cookie: {name}", each.at, hint))

    def vm_args(self) -> VmArgs | None:
        """Return what the project's vm.args says; None when there is none."""
        named = [setting for setting in self.config.settings if setting.key == "vm_args"]
        for setting in named[1:]:
            if setting.path is not None and setting.path == named[0].path:
                continue
            first = named[0].path or "what the first one has"
            message = f"this file isn't taken over: {first} now holds for all releases, in one rel/vm.args.eex"
            hint = "a directory of its own, and rel_templates_path: in the release's options"
            self.outcome.look.append(Problem(message, setting.at, hint))
        if named and named[0].text is None:
            self.outcome.look.append(mix_exs.unread(named[0]))
        file = (named[0].path if named else None) or vm_args.DEFAULT
        text = self.outcome.read(file)
        if text is None:
            if named and named[0].path is not None and self.outcome.absent(file):
                lack = "is outside of the project" if outside(file) else "isn't there"
                self.outcome.look.append(Problem(f"vm_args names {file}, which {lack}", named[0].at))
            return None
        args = vm_args.read(file, text)
        self.outcome.notes(args.look)
        if len(named) == 1:
            self.outcome.notes(env_sh.for_all(named[0], self.config))
        self.outcome.remove(file)
        if args.secret or vm_args.SECRET.search(text):
            self.outcome.secrets.add(file)
        return args
