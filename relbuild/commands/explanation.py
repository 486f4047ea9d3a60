"""A plan in words: what was found, from where, and why it follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relbuild.errors import Problem
from relbuild.facts import Known, Unknown
from relbuild.image.plan.assets import BUILD, DEPLOY, Assets
from relbuild.image.plan.base_images import LockedImage
from relbuild.image.plan.plan import Plan
from relbuild.image.plan.tags import untaggable_version
from relbuild.mix.environment import Contract
from relbuild.result import TextTable

_PROVIDERS = {
    "hexpm": "hexpm's images",
    "official": "Docker's official images",
    "debian": "Debian's own packages",
    "source": "Elixir compiled from its repository",
    "image": "an image of your own",
}

Row = tuple[str, str]


def blocks(plan: Plan) -> list[str | TextTable]:
    """Return the plan's lines, in parts with an empty line between them."""
    found: list[str | TextTable] = []
    for rows in (_project_rows(plan), _toolchain_rows(plan), _image_rows(plan)):
        found += ["", TextTable(tuple(rows))]
    for title, below in (
        ("the build is given", [f"{name}: {reason}" for name, reason in _access_rows(plan)]),
        ("what dependencies need", _package_needs(plan)),
        ("programs that the release calls", _programs(plan)),
        ("notes", notes(plan)),
    ):
        found += listing(title, below)
    return found[1:]


def listing(title: str, lines: Iterable[str]) -> list[str | TextTable]:
    """Return a title and the lines below it, after an empty line; nothing without lines."""
    rows = tuple((line,) for line in lines)
    return ["", title, TextTable(rows, indent=2)] if rows else []


def notes(plan: Plan) -> tuple[str, ...]:
    """Return the plan's notes, and what `relbuild image` would refuse where no tag is given."""
    refused = untaggable_version(plan)
    return (*plan.notes, *map(problem_note, (*plan.problems, *((refused,) if refused is not None else ()))))


def problem_note(problem: Problem) -> str:
    """Return a problem on one line: where, what, and what to do."""
    place = f"{problem.at.brief}: " if problem.at is not None else ""
    return f"{place}{problem.message}; {problem.hint}"


def _from(plan: Plan, key: str, otherwise: str) -> str:
    """Return where relbuild.yml says something, or what else it is from."""
    mark = plan.marks.get(key)
    return mark.brief if mark else otherwise


def _project_rows(plan: Plan) -> Iterator[Row]:
    project = plan.project
    kind = f"application {_said(project.app)}"
    if isinstance(project.apps_path, Known):
        kind = f"umbrella of {', '.join(plan.applications)}  ({project.apps_path.at.brief})"
    elif project.apps_path is not None:
        kind = f"unknown whether an umbrella or one application  ({project.apps_path.at.brief})"
    yield "project", kind
    yield "release", _release(plan)
    yield "version", _said(plan.version)
    yield "migrate", _migrate(plan)
    first, *others = _needs(plan.environment)
    yield "env", first
    yield from (("", other) for other in others)


def _migrate(plan: Plan) -> str:
    at_start = plan.migrates_at_start
    ends = f"; Ecto.Migrator, at each start ({at_start.brief})" if at_start is not None else ""
    if plan.migrate is not None:
        return f"{plan.migrate.value}  ({plan.migrate.at.brief}){ends}"
    return f"none{ends or ': no module of the release migrates'}"


def _release(plan: Plan) -> str:
    release, others = plan.release, [each.name for each in plan.project.releases if each.name != plan.release.name]
    if not release.defined:
        return f"{release.name}  ({release.at.brief}, as the application: mix.exs defines none)"
    if not others:
        return f"{release.name}  ({release.at.brief})"
    return f"{release.name}  ({release.at.brief}; {_chosen(plan)} chooses it, not {' or '.join(others)})"


def _chosen(plan: Plan) -> str:
    """Return who chose among several releases: the command line before relbuild.yml, and that before mix.exs."""
    if plan.named:
        return "--release"
    default = plan.project.default_release
    return _from(plan, "release", (default if isinstance(default, Known) else plan.release).at.brief)


def _needs(contract: Contract) -> list[str]:
    required = [
        f"{variable.name}  ({(variable.requirement or variable).at.brief})" for variable in contract.of("required")
    ]
    more = [f"{len(found)} {kind}" for kind in ("conditional", "optional") if (found := contract.of(kind))]
    if contract.possibly_more:
        more.append(f"possibly more ({len(contract.possibly_more)} not followed)")
    unclear = contract.possibly_more or contract.of("conditional")
    none = "none known to be required" if unclear else "none required"
    return [*(required or [none]), *([f"{', '.join(more)}: relbuild env shows them"] if more else [])]


def _toolchain_rows(plan: Plan) -> Iterator[Row]:
    tools = plan.toolchain
    implied = {"source": tools.elixir.source if tools.elixir else "", "image": _from(plan, "builder.image", "")}
    why = _from(plan, "toolchain", implied.get(tools.provider) or "default")
    yield "toolchain", f"{tools.provider}: {_PROVIDERS[tools.provider]}  ({why})"
    for name, choice in (("elixir", tools.elixir), ("otp", tools.otp), ("debian", tools.debian)):
        yield name, f"{choice.value}  ({choice.source})" if choice else "what the builder image has"


def _image_rows(plan: Plan) -> Iterator[Row]:
    builder, runner, lock = plan.builder, plan.runner, plan.lock
    yield "image", f"{plan.image}{_tag(plan)}  ({_from(plan, 'image', 'named as the release')})"
    if plan.platforms is not None:
        how = "each built on its own" if plan.platforms.emulated else "compiled once, on the builder's own"
        yield "  platforms", f"{' '.join(plan.platforms.names)}  ({how})"
    yield "builder", f"{builder.image}{_locked(lock.builder if lock else None)}"
    if builder.elixir:
        yield "  elixir", f"{builder.elixir.ref} of {builder.elixir.repository}"
    yield "  packages", _packages(plan, "builder", builder.packages, "to fetch and compile")
    yield "runner", f"{runner.image}  ({runner.base}){_locked(lock.runner if lock else None)}"
    yield "  packages", _packages(plan, "runner", runner.packages, "what ERTS and OTP load, and certificates")
    for variable in plan.container.variables:
        yield "  sets", f"{variable.name}={variable.value}  ({variable.at.brief}: {variable.reason})"
    runtime = plan.order.runtime
    layers = plan.layers.numbered(plan.released, runtime.path if runtime else None)
    yield "layers", f"{'; '.join(layers)}  (one that hasn't changed isn't sent again)"
    yield from _asset_rows(plan)
    if plan.sources.context.base:
        yield "context", f"{plan.sources.context.up}  (it has the dependencies beside the project)"


def _tag(plan: Plan) -> str:
    if untaggable_version(plan) is not None:
        return ""
    return f":{plan.version.value}" if isinstance(plan.version, Known) else ":latest"


def _packages(plan: Plan, who: str, names: tuple[str, ...], why: str) -> str:
    if not names:
        return "none"
    mark = plan.marks.get(f"{who}.packages")
    reasons = [why, *([mark.brief] if mark else [])]
    if any(need.builder if who == "builder" else need.runner for need in plan.needs):
        reasons.append("what dependencies need, see below")
    if who == "runner" and plan.container.programs:
        reasons.append("programs that the release calls, see below")
    return f"{' '.join(names)}  ({'; '.join(reasons)})"


def _locked(locked: LockedImage | None) -> str:
    return f"  ({locked.at.brief})" if locked else ""


def _asset_rows(plan: Plan) -> Iterator[Row]:
    assets = plan.assets
    if not assets.commands:
        unread = next((each for each in plan.unknown if each.what == "aliases"), None)
        why = f"no alias {DEPLOY} or {BUILD} in mix.exs"
        otherwise = f"the aliases can't be read: {unread.at.brief}" if unread else why
        yield "assets", f"none  ({_from(plan, 'assets', otherwise)})"
        return
    first, *others = [f"{command.line}  ({command.at.brief})" for command in assets.commands]
    yield "assets", f"{'beside' if plan.order.beside else 'before'} the release: {first}"
    yield from (("", line) for line in others)
    if assets.setup:
        yield "  programs", f"with the dependencies, which bring them: {' && '.join(assets.setup)}"
    yield from _node_rows(assets)


def _node_rows(assets: Assets) -> Iterator[Row]:
    stage = assets.node
    if stage is None:
        return
    yield "  node", f"{stage.node.version}  ({stage.node.source}), {stage.image or 'of the toolchain'}"
    for install in stage.installs:
        of = install.of
        version = f" {of.manager.version}" if of.manager.version else ""
        what = f"{of.package.path} by {of.manager.name}{version}"
        yield "  packages", f"{what}  ({of.manager.source}): {install.command}"


def _access_rows(plan: Plan) -> Iterator[Row]:
    """Yield what the build needs of the one who builds, each with its reason."""
    for secret in plan.builder.all_secrets:
        yield secret.name, f"{secret.reason}{f'  ({secret.at.brief})' if secret.at else ''}"
    lent = plan.builder.access.ssh
    if lent:
        places = dict.fromkeys(dep.at.brief for dep in lent)
        yield "ssh agent", f"{plan.builder.access.over_ssh}  ({', '.join(places)})"
    elif plan.builder.ssh:
        yield "ssh agent", f"builder.ssh in relbuild.yml  ({_from(plan, 'builder.ssh', 'relbuild.yml')})"


def _package_needs(plan: Plan) -> list[str]:
    found = []
    for need in plan.needs:
        wanted = [f"builder: {' '.join(need.builder)}"] if need.builder else []
        wanted += [f"runner: {' '.join(need.runner)}"] if need.runner else []
        ends = f"  →  {'; '.join(wanted)}" if wanted else ""
        found.append(f"{need.app} {need.what}  ({need.at.brief}){ends}")
    return found


def _programs(plan: Plan) -> list[str]:
    return [f"{each.name}  ({each.at.brief})  →  runner: {each.package}" for each in plan.container.programs]


def _said(fact: Known[str] | Unknown | None) -> str:
    if fact is None:
        return "none"
    if isinstance(fact, Unknown):
        return f"unknown: {fact.reason}  ({fact.at.brief})"
    return f"{fact.value}  ({fact.at.brief})"
