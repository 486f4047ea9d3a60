"""relbuild lock: pin the images that builds start from, or tell what has moved since."""

from __future__ import annotations

import platform as machine
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from relbuild.commands.session import Session
from relbuild.engine import files, hexpm_index
from relbuild.engine.hexpm_index import IndexedTag
from relbuild.errors import CommandFailed, Mark, PassingFault, Problem, ProjectError
from relbuild.image.plan.base_images import LOCK_FILE, ROLES, ImageLock, LockedImage
from relbuild.image.plan.platforms import parse_platforms
from relbuild.image.reference import Reference
from relbuild.mix.toolchain import Toolchain
from relbuild.mix.toolchain.hexpm import ERLANG, Wanted, pick

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class LockedImages:
    """What relbuild.lock holds now, and the lines in which it differs from before."""

    lock: ImageLock
    written: bool
    notes: tuple[str, ...]
    exit_code: int = 0

    def text(self) -> str:
        return "\n".join(
            f"{role:<8}{locked.reference}"
            for role, locked in zip(ROLES, (self.lock.builder, self.lock.runner), strict=True)
        )

    def data(self) -> dict[str, Any]:
        return {
            "file": LOCK_FILE,
            "written": self.written,
            "builder": _data(self.lock.builder),
            "runner": _data(self.lock.runner),
            "notes": list(self.notes),
        }


def write(session: Session, release: str | None, platforms: tuple[str, ...]) -> LockedImages:
    """Look up the images of builder and runner, and write relbuild.lock; the file stays as it is if nothing moved.

    Raises ProjectError for an image that isn't there, CommandFailed for one that lacks a platform, PassingFault when a
    registry doesn't answer.
    """
    found, notes = _look_up(session, release, platforms)
    for note in notes:
        session.warn(note)
    path = session.root / LOCK_FILE
    content = found.render()
    changed = files.read_text(path) != content
    if changed and not session.dry_run:
        files.write(path, content)
    return LockedImages(found, changed and not session.dry_run, notes)


def check(session: Session, release: str | None, platforms: tuple[str, ...]) -> LockedImages:
    """Return what is locked; raise CommandFailed with what `relbuild lock` would write otherwise."""
    present = session.lock()
    if present is None:
        raise CommandFailed(f"there is no {LOCK_FILE}", hint="relbuild lock writes it")
    found, notes = _look_up(session, release, platforms)
    for note in notes:
        session.warn(note)
    moved = [
        Problem(_moved(role, old, new), old.at, "relbuild lock takes it up")
        for role, old, new in (
            ("builder", present.builder, found.builder),
            ("runner", present.runner, found.runner),
        )
        if old.reference != new.reference
    ]
    if moved:
        raise CommandFailed.of(moved)
    return LockedImages(present, False, notes)


def _moved(role: str, old: LockedImage, new: LockedImage) -> str:
    if old.image == new.image:
        return f"{role}: {old.image} has moved from {old.digest} to {new.digest}"
    return f"{role}: now it would be {new.image}, not {old.image}"


def _look_up(session: Session, release: str | None, platforms: tuple[str, ...]) -> tuple[ImageLock, tuple[str, ...]]:
    plan = session.plan(release, locked=False)
    wanted = parse_platforms(platforms) or _own_platform()
    tools = plan.toolchain
    if tools.tag is not None and tools.wanted is not None:
        tools = _from_index(tools, tools.wanted, wanted)
    mirror = session.config().registry_mirror
    builder, runner = (
        _resolved(session, image, mirror, wanted, role)
        for role, image in (("builder", tools.builder_image), ("runner", tools.runner_image))
    )
    return ImageLock(builder, runner), tools.notes


def _own_platform() -> tuple[str, ...]:
    architecture = ARCHITECTURES.get(machine.machine().lower())
    return (f"linux/{architecture}",) if architecture else ()


def _from_index(tools: Toolchain, wanted: Wanted, platforms: tuple[str, ...]) -> Toolchain:
    """Return the toolchain on the best image that hexpm's index has; as it is, noted, when the index doesn't answer.

    Raises ProjectError when the index has none.
    """
    try:
        indexed = hexpm_index.search(wanted.query())
    except PassingFault as error:
        return replace(
            tools,
            notes=(
                *tools.notes,
                f"hexpm's index of images could not be asked ({error}): {tools.builder_image} is relbuild's own "
                "knowledge, the registry decides",
            ),
        )
    known = {tag: each.platforms for each in indexed if (tag := wanted.tag(each.tag)) and wanted.admits(tag)}
    fitting = [tag for tag, has in known.items() if not has or set(platforms) <= set(has)]
    best = pick(fitting, erlang_only=wanted.repository == ERLANG)
    if best is None:
        raise _none_in_index(tools, wanted, indexed, platforms, {each for has in known.values() for each in has})
    # What the table couldn't say for sure, the index has answered.
    certain = tuple(note for note in tools.notes if "relbuild's table" not in note)
    if best == tools.tag:
        return replace(tools, notes=certain)
    return replace(tools, notes=certain).with_tag(best, f"{wanted.repository}: found in hexpm's index")


def _none_in_index(
    tools: Toolchain, wanted: Wanted, indexed: tuple[IndexedTag, ...], platforms: Iterable[str], has: set[str]
) -> ProjectError:
    asked = " ".join(
        f"{what} {value}"
        for what, value in (("Elixir", wanted.elixir), ("OTP", wanted.otp), ("Debian", wanted.debian))
        if value
    )
    if has:
        missing = ", ".join(sorted(set(platforms) - has)) or "all the platforms at once"
        return ProjectError(
            f"hexpm has no image of {asked or tools.builder_image} for {missing}: it has {', '.join(sorted(has))}",
            hint="leave the platform out, or take toolchain: official, debian or image",
        )
    return ProjectError(
        f"hexpm's index has no image of {asked or tools.builder_image}",
        at=tools.otp.at if tools.otp else None,
        hint=_others(indexed, wanted) or "take another version, or toolchain: source, official or debian",
    )


def _others(indexed: tuple[IndexedTag, ...], wanted: Wanted) -> str | None:
    near = {(tag.otp, tag.debian) for each in indexed if (tag := wanted.tag(each.tag))}
    shown = ", ".join(f"OTP {otp} on Debian {debian}" for otp, debian in sorted(near)[-5:])
    return f"what is near: {shown}" if shown else None


def _resolved(session: Session, image: str, mirror: str | None, platforms: tuple[str, ...], role: str) -> LockedImage:
    """Return an image as it is in its registry, or in the mirror; raise where it isn't, or not for every platform."""
    asked = Reference.parse(image)
    where = asked.at(mirror)
    manifest = session.engine.manifest(where)
    if manifest is None:
        raise ProjectError(
            f"{where.registry} has no {where}, the {role}'s image",
            hint="set another version, Debian or toolchain in relbuild.yml; relbuild plan shows what requires it",
        )
    missing = [platform for platform in platforms if manifest.platforms and platform not in manifest.platforms]
    if missing:
        raise CommandFailed(
            f"{where}, the {role}'s image, is not there for {', '.join(missing)}: it has "
            f"{', '.join(manifest.platforms)}",
            hint="leave the platform out, or take another image",
        )
    name = str(replace(asked, digest=None))
    return LockedImage(name, manifest.digest, manifest.platforms, Mark(LOCK_FILE, 1))


def _data(locked: LockedImage) -> dict[str, Any]:
    return {"image": locked.image, "digest": locked.digest, "platforms": list(locked.platforms)}
