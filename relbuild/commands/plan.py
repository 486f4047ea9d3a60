"""relbuild plan: what was found, what will be built, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relbuild.commands.session import Session
from relbuild.errors import Mark
from relbuild.image.assets import Assets
from relbuild.image.bases import ElixirSource
from relbuild.image.credentials import Secret
from relbuild.image.lock import Locked
from relbuild.image.packages import Need
from relbuild.image.plan import Plan
from relbuild.mix.differences import Difference
from relbuild.mix.environment import Contract, data_of
from relbuild.mix.facts import Known, Unknown
from relbuild.mix.toolchain import Choice


def plan(session: Session, release: str | None) -> Planned:
    """Return the plan; nothing is built and no engine is asked."""
    return Planned(session.plan(release))


def evaluated(session: Session, release: str | None) -> Planned:
    """Return the plan of the project as Mix itself says it is, and where that differs from what was read."""
    from relbuild.commands.evaluation import evaluate

    project, differences = evaluate(session, session.project())
    return Planned(session.plan(release, project=project), differences)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan to be read by people, or by scripts as a stable contract.

    ``differences`` are those to Mix's own evaluation, None where it wasn't asked.
    """

    plan: Plan
    differences: tuple[Difference, ...] | None = None
    exit_code: int = 0

    def text(self) -> str:
        plan = self.plan
        rows = [*_project_rows(plan), ("", ""), *_toolchain_rows(plan), ("", ""), *_image_rows(plan)]
        width = max(len(name) for name, _ in rows) + 2
        lines = [f"{name:<{width}}{value}".rstrip() for name, value in rows]
        for title, below in (
            ("the build is given", [f"{name}: {reason}" for name, reason in _access_rows(plan)]),
            ("what dependencies need", _package_needs(plan)),
        ):
            lines += ["", title, *(f"  {line}" for line in below)] if below else []
        if plan.notes:
            lines += ["", "notes"] + [f"  {note}" for note in plan.notes]
        if self.differences is not None:
            lines += _difference_lines(self.differences)
        unknown = (*plan.unknown, *plan.environment.unknown)
        if unknown:
            lines += ["", "could not be read without running Elixir"]
            lines += [f"  {each.what}: {each.reason} ({_place(each.at)})" for each in unknown]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        plan = self.plan
        tools = plan.toolchain
        return {
            "project": {
                "app": _value(plan.project.app),
                "umbrella": plan.project.umbrella,
                "path": plan.project.path or ".",
                "applications": list(plan.applications),
            },
            "release": {"name": plan.release.name, "version": _value(plan.version)},
            "toolchain": {
                "provider": tools.provider,
                "elixir": _choice(tools.elixir),
                "otp": _choice(tools.otp),
                "debian": _choice(tools.debian),
            },
            "builder": {
                "image": plan.builder.image,
                "locked": plan.lock.builder.reference if plan.lock else None,
                "elixir": _source(plan.builder.elixir),
                "packages": list(plan.builder.packages),
                "secrets": [_secret(each) for each in plan.builder.all_secrets],
                "ssh": plan.builder.needs_ssh,
                "network": plan.builder.network,
            },
            "runner": {
                "image": plan.runner.image,
                "locked": plan.lock.runner.reference if plan.lock else None,
                "base": plan.runner.base,
                "packages": list(plan.runner.packages),
            },
            "assets": _asset_data(plan.assets),
            "image": plan.image,
            "migrate": plan.migrate.value if plan.migrate else None,
            "environment": data_of(plan.environment),
            "labels": dict(plan.labels),
            "dependencies": [_need(each) for each in plan.needs],
            "notes": list(plan.notes),
            "unknown": [_unknown(each) for each in plan.unknown],
            "evaluated": None
            if self.differences is None
            else {
                "differs": [_difference(each) for each in self.differences if each.stated],
                "filled_in": [_difference(each) for each in self.differences if not each.stated],
            },
        }


def _difference_lines(differences: tuple[Difference, ...]) -> list[str]:
    if not differences:
        return ["", "Mix says the same"]
    differs = [
        f"  {each.what}: {each.evaluated or 'not there'}, not {each.read or 'there'}  ({_place(each.at)})"
        for each in differences
        if each.stated
    ]
    filled = [
        f"  {each.what}: {each.evaluated or 'not there'}  ({_place(each.at)})"
        for each in differences
        if not each.stated
    ]
    return [
        *(["", "Mix says otherwise than mix.exs was read", *differs] if differs else []),
        *(["", "filled in by Mix", *filled] if filled else []),
    ]


def _difference(each: Difference) -> dict[str, Any]:
    at = each.at
    return {
        "what": each.what,
        "read": each.read,
        "evaluated": each.evaluated,
        "file": at.file,
        "line": at.line,
        "column": at.column,
    }


def _project_rows(plan: Plan) -> list[tuple[str, str]]:
    kind = (
        "umbrella of " + ", ".join(plan.applications)
        if plan.project.umbrella
        else f"application {_said(plan.project.app)}"
    )
    return [
        ("project", kind),
        ("release", f"{plan.release.name}  ({_place(plan.release.at)})"),
        ("version", _said(plan.version)),
        ("migrate", f"{plan.migrate.value}  ({_place(plan.migrate.at)})" if plan.migrate else "none found in lib/"),
        ("env", _needs(plan.environment)),
    ]


def _needs(contract: Contract) -> str:
    required = " ".join(variable.name for variable in contract.of("required")) or "none required"
    more = [f"{len(found)} {kind}" for kind in ("conditional", "optional") if (found := contract.of(kind))]
    return "  ".join((required, *([f"({', '.join(more)}: relbuild env)"] if more else [])))


def _toolchain_rows(plan: Plan) -> list[tuple[str, str]]:
    tools = plan.toolchain
    rows = [("toolchain", tools.provider)]
    for name, choice in (("elixir", tools.elixir), ("otp", tools.otp), ("debian", tools.debian)):
        rows.append((name, f"{choice.value}  ({choice.source})" if choice else "what the builder image has"))
    return rows


def _image_rows(plan: Plan) -> list[tuple[str, str]]:
    runtime = plan.narrowing.runtime
    rows = [
        ("image", plan.image),
        ("builder", f"{plan.builder.image}{_locked(plan.lock.builder if plan.lock else None)}"),
        ("  packages", " ".join(plan.builder.packages) or "none"),
        ("runner", f"{plan.runner.image}  ({plan.runner.base}){_locked(plan.lock.runner if plan.lock else None)}"),
        ("  packages", " ".join(plan.runner.packages) or "none"),
        ("layers", "; ".join(plan.layers.numbered(plan.applications, runtime.path if runtime else None))),
    ]
    if plan.builder.elixir:
        rows.insert(2, ("  elixir", f"{plan.builder.elixir.ref} of {plan.builder.elixir.repository}"))
    rows.extend(_asset_rows(plan.assets))
    if plan.sources.context.base:
        rows.append(("context", f"{plan.sources.context.up}  (it has the dependencies beside the project)"))
    return rows


def _locked(locked: Locked | None) -> str:
    return f"  ({_place(locked.at)})" if locked else ""


def _asset_rows(assets: Assets) -> list[tuple[str, str]]:
    if not assets.commands:
        return [("assets", "none")]
    lines = [f"{command.line}  ({_place(command.at)})" for command in assets.commands]
    rows = [("assets", f"after the compiler: {lines[0]}"), *(("", line) for line in lines[1:])]
    if assets.setup:
        rows.append(("  programs", f"with the dependencies: {' && '.join(assets.setup)}"))
    stage = assets.node
    if stage is None:
        return rows
    rows.append(("  node", f"{stage.node.version}  ({stage.node.source}), {stage.image or 'of the toolchain'}"))
    for install in stage.installs:
        of = install.of
        version = f" {of.manager.version}" if of.manager.version else ""
        rows.append(
            ("  packages", f"{of.package.path} by {of.manager.name}{version}  ({of.manager.source}): {install.command}")
        )
    return rows


def _asset_data(assets: Assets) -> dict[str, Any]:
    stage = assets.node
    return {
        "commands": [command.line for command in assets.commands],
        "setup": list(assets.setup),
        "node": {
            "version": stage.node.version,
            "source": stage.node.source,
            "image": stage.image,
            "packages": [
                {
                    "file": install.of.package.path,
                    "manager": install.of.manager.name,
                    "version": install.of.manager.version,
                    "lock": install.of.lock,
                    "command": install.command,
                }
                for install in stage.installs
            ],
        }
        if stage is not None
        else None,
    }


def _access_rows(plan: Plan) -> list[tuple[str, str]]:
    """Return what the build needs of the one who builds, each with its reason."""
    rows = [
        (secret.name, f"{secret.reason}{f'  ({_place(secret.at)})' if secret.at else ''}")
        for secret in plan.builder.all_secrets
    ]
    lent = plan.builder.access.ssh
    if lent is not None:
        rows.append(("ssh agent", f"{lent.app} is fetched over ssh  ({_place(lent.at)})"))
    elif plan.builder.ssh:
        rows.append(("ssh agent", "builder.ssh in relbuild.yml"))
    return rows


def _package_needs(plan: Plan) -> list[str]:
    lines = []
    for need in plan.needs:
        wanted = [f"builder: {' '.join(need.builder)}"] if need.builder else []
        wanted += [f"runner: {' '.join(need.runner)}"] if need.runner else []
        ends = f"  →  {'; '.join(wanted)}" if wanted else ""
        lines.append(f"{need.app} {need.what}  ({_place(need.at)}){ends}")
    return lines


def _need(need: Need) -> dict[str, Any]:
    return {
        "app": need.app,
        "what": need.what,
        "builder": list(need.builder),
        "runner": list(need.runner),
        "precompiled": need.precompiled,
        "missing": list(need.missing),
        "at": {"file": need.at.file, "line": need.at.line, "column": need.at.column},
    }


def _secret(secret: Secret) -> dict[str, Any]:
    at = secret.at
    place = {"file": at.file, "line": at.line, "column": at.column} if at else None
    return {"name": secret.name, "reason": secret.reason, "at": place}


def _said(fact: Known[str] | Unknown | None) -> str:
    if fact is None:
        return "none"
    if isinstance(fact, Unknown):
        return f"unknown: {fact.reason}  ({_place(fact.at)})"
    return f"{fact.value}  ({_place(fact.at)})"


def _value(fact: Known[str] | Unknown | None) -> str | None:
    return fact.value if isinstance(fact, Known) else None


def _choice(choice: Choice | None) -> dict[str, str | None]:
    return {"value": choice.value if choice else None, "source": choice.source if choice else None}


def _source(elixir: ElixirSource | None) -> dict[str, str] | None:
    return {"repository": elixir.repository, "ref": elixir.ref} if elixir else None


def _unknown(unknown: Unknown) -> dict[str, Any]:
    at = unknown.at
    return {"what": unknown.what, "reason": unknown.reason, "file": at.file, "line": at.line, "column": at.column}


def _place(mark: Mark) -> str:
    return f"{mark.file}:{mark.line}"
