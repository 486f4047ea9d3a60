"""The differences between two images: layers, applications, files, versions and environment contracts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from relbuild.image.inspect.inspection import Inspection
from relbuild.mix.environment import Contract, Variable, describe

Kind = Literal["added", "removed", "changed"]

# Returns whether a file of the first image, by its path, has the content of a file of the second.
Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Changed:
    """Something added, removed or changed: its versions, or None, and sizes in bytes, before and after."""

    name: str
    kind: Kind
    before: str | None = None
    after: str | None = None
    size_before: int = 0
    size_after: int = 0

    @property
    def more(self) -> int:
        """By how many bytes it has grown."""
        return self.size_after - self.size_before


@dataclass(frozen=True, slots=True)
class ImageDifference:
    """How an image differs from another: `shared` are the layers they have in common, by number, bytes as unpacked."""

    reference: str
    id: str
    shared: tuple[int, ...]
    shared_size: int
    size_before: int
    size_after: int
    packed_new: int | None
    applications: tuple[Changed, ...]
    files: tuple[Changed, ...]
    environment: tuple[Changed, ...]
    versions: tuple[Changed, ...]

    @property
    def more(self) -> int:
        """By how many bytes the image has grown."""
        return self.size_after - self.size_before


def compare(before: Inspection, after: Inspection, same: Same) -> ImageDifference:
    """Return the differences from `before` to `after`; `same` compares a file of `before` with one of `after`."""
    known = {layer.diff_id for layer in before.layers if layer.diff_id}
    shared = tuple(index for index, layer in enumerate(after.layers) if layer.diff_id in known)
    new = [layer.packed for index, layer in enumerate(after.layers) if index not in shared]
    return ImageDifference(
        reference=before.reference,
        id=before.id,
        shared=shared,
        shared_size=sum(after.layers[index].size for index in shared),
        size_before=before.size,
        size_after=after.size,
        packed_new=None if None in new else sum(size for size in new if size is not None),
        applications=_applications(before, after),
        files=_files(before, after, same),
        environment=_environment(before.environment, after.environment),
        versions=_versions(before, after),
    )


def _applications(before: Inspection, after: Inspection) -> tuple[Changed, ...]:
    old = {each.name: each for each in before.applications}
    new = {each.name: each for each in after.applications}
    changes = []
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is not None and now is not None and (was.version, was.size) == (now.version, now.size):
            continue
        changes.append(
            Changed(
                name,
                _kind(was, now),
                was.version if was else None,
                now.version if now else None,
                was.size if was else 0,
                now.size if now else 0,
            )
        )
    return tuple(changes)


def _kind(was: object, now: object) -> Kind:
    return "added" if was is None else "removed" if now is None else "changed"


def _files(before: Inspection, after: Inspection, same: Same) -> tuple[Changed, ...]:
    """Return the files that differ, those whose sizes differ most first.

    An application's directory has its version in its name, which is left out of the comparison.
    """
    old = {_plain(path, before): path for path in before.files}
    new = {_plain(path, after): path for path in after.files}
    changes = []
    for name in old.keys() | new.keys():
        was, now = old.get(name), new.get(name)
        size_before = before.files[was].size if was is not None else 0
        size_after = after.files[now].size if now is not None else 0
        if was is not None and now is not None:
            layers = before.layers[before.files[was].layer], after.layers[after.files[now].layer]
            if was == now and layers[0].diff_id and layers[0].diff_id == layers[1].diff_id:
                continue
            if size_before == size_after and same(was, now):
                continue
        changes.append(Changed(name, _kind(was, now), None, None, size_before, size_after))
    return tuple(sorted(changes, key=lambda change: (-abs(change.more), change.name)))


def _plain(path: str, image: Inspection) -> str:
    root = image.release.directory
    prefix = f"{root}/" if root else ""
    if not path.startswith(prefix):
        return path
    inside = path.removeprefix(prefix)
    inside = re.sub(r"^lib/([a-z][\w@]*)-[^/]+/", r"lib/\1/", inside)
    inside = re.sub(r"^erts-[^/]+/", "erts/", inside)
    version = f"releases/{image.release.version}/"
    return prefix + (f"releases/VERSION/{inside.removeprefix(version)}" if inside.startswith(version) else inside)


def _environment(before: Contract | None, after: Contract | None) -> tuple[Changed, ...]:
    """Return the variables that differ; none if one of the images has no contract."""
    if before is None or after is None:
        return ()
    return _changes(
        {variable.name: _needed(variable) for variable in before.variables},
        {variable.name: _needed(variable) for variable in after.variables},
    )


def _needed(variable: Variable) -> str:
    """Return in one line when a variable is required; never a value that may be a secret."""
    if not variable.needs:
        return f"optional, {variable.shown_default}" if variable.shown_default else "optional"
    each = (
        "required" if needed.unconditional else f"required when {describe(needed.when)}" for needed in variable.needs
    )
    return "; ".join(dict.fromkeys(each))


def _versions(before: Inspection, after: Inspection) -> tuple[Changed, ...]:
    return _changes(_named_versions(before), _named_versions(after))


def _named_versions(image: Inspection) -> dict[str, str]:
    versions = image.contents.versions
    base = image.base
    found = {
        "release": f"{image.release.name} {image.release.version}",
        "Elixir": versions.elixir,
        "OTP": versions.otp,
        "ERTS": versions.erts,
        "base image": base.name,
        "distribution": base.distribution.title if base.distribution else None,
        "user": image.user or "root",
        "command": " ".join(image.command),
    }
    return {name: value for name, value in found.items() if value}


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Changed, ...]:
    names = dict.fromkeys((*old, *new))
    return tuple(
        Changed(name, _kind(old.get(name), new.get(name)), old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    )
