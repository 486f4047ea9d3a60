"""relbuild plan: what was found, what will be built, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relbuild.commands import explanation
from relbuild.commands.session import Session
from relbuild.facts import Known, Unknown
from relbuild.image.plan.assets import Assets
from relbuild.image.plan.base_images import ElixirSource
from relbuild.image.plan.container import InstalledProgram
from relbuild.image.plan.credentials import Secret
from relbuild.image.plan.packages import Need
from relbuild.image.plan.plan import Plan
from relbuild.mix.environment import data_of
from relbuild.mix.evaluation import Difference
from relbuild.mix.toolchain import Choice
from relbuild.result import Content, TextTable


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

    def text(self) -> Content:
        plan = self.plan
        blocks = explanation.blocks(plan)
        if self.differences is not None:
            blocks += _difference_blocks(self.differences)
        unread = (*plan.unknown, *plan.environment.possibly_more)
        unknown = (f"{each.what}: {each.reason} ({each.at.brief})" for each in unread)
        return (*blocks, *explanation.listing("unknown without running Elixir", unknown))

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
                "environment": {
                    **{each.name: each.value for each in plan.container.variables},
                    **plan.runner.env,
                },
            },
            "assets": _asset_data(plan.assets),
            "image": plan.image,
            "platforms": list(plan.platforms.names) if plan.platforms else None,
            "migrate": plan.migrate.value if plan.migrate else None,
            "migrates_at_start": plan.migrates_at_start is not None,
            "environment": data_of(plan.environment),
            "labels": dict(plan.labels),
            "dependencies": [_need(each) for each in plan.needs],
            "programs": [_program(each) for each in plan.container.programs],
            "notes": list(explanation.notes(plan)),
            "unknown": [_unknown(each) for each in plan.unknown],
            "evaluated": None
            if self.differences is None
            else {
                "differs": [_difference(each) for each in self.differences if each.stated],
                "filled_in": [_difference(each) for each in self.differences if not each.stated],
            },
        }


def _difference_blocks(differences: tuple[Difference, ...]) -> list[str | TextTable]:
    if not differences:
        return ["", "mix.exs evaluates to the same"]
    differs = (
        f"{each.what}: {each.evaluated or 'none'}, not {each.read or 'none'}  ({each.at.brief})"
        for each in differences
        if each.stated
    )
    unread = (f"{each.what}: {each.evaluated or 'none'}  ({each.at.brief})" for each in differences if not each.stated)
    return [
        *explanation.listing("mix.exs evaluates to something else", differs),
        *explanation.listing("known from evaluating mix.exs", unread),
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


def _program(program: InstalledProgram) -> dict[str, Any]:
    at = program.at
    place = {"file": at.file, "line": at.line, "column": at.column}
    return {"name": program.name, "package": program.package, "at": place}


def _secret(secret: Secret) -> dict[str, Any]:
    at = secret.at
    place = {"file": at.file, "line": at.line, "column": at.column} if at else None
    return {"name": secret.name, "reason": secret.reason, "at": place}


def _value(fact: Known[str] | Unknown | None) -> str | None:
    return fact.value if isinstance(fact, Known) else None


def _choice(choice: Choice | None) -> dict[str, str | None]:
    return {"value": choice.value if choice else None, "source": choice.source if choice else None}


def _source(elixir: ElixirSource | None) -> dict[str, str] | None:
    return {"repository": elixir.repository, "ref": elixir.ref} if elixir else None


def _unknown(unknown: Unknown) -> dict[str, Any]:
    at = unknown.at
    return {"what": unknown.what, "reason": unknown.reason, "file": at.file, "line": at.line, "column": at.column}
