"""An image as it was inspected: its layers, its release, its base image and its environment contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from relbuild.image import labels
from relbuild.image.filesystem import FileSystem, LayerFacts
from relbuild.image.inspect.contents import Application, Contents, Distribution, ShippedRelease
from relbuild.mix.environment import Contract, from_label

# What a layer holds: the base image, what is installed on it, or a part of the release.
Part = Literal["base", "system", "otp", "dependencies", "project", "release", "empty"]

TITLES: Mapping[Part, str] = {
    "base": "base image",
    "system": "system",
    "otp": "ERTS, OTP and Elixir",
    "dependencies": "dependencies",
    "project": "project",
    "release": "release",
    "empty": "no files",
}
_PARTS: Mapping[str, Part] = {
    "otp": "otp",
    "elixir": "otp",
    "hex": "dependencies",
    "git": "dependencies",
    "unknown": "dependencies",
    "project": "project",
}


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file of the image: its size in bytes and the layer it is in, counted from the lowest."""

    size: int
    layer: int


@dataclass(frozen=True, slots=True)
class BaseImage:
    """The base image: its name and digest from the labels, None without them, and the distribution in it."""

    name: str | None
    digest: str | None
    distribution: Distribution | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspected image; `environment` is None if it has no contract label."""

    reference: str
    id: str
    created: str
    platform: str
    user: str
    command: tuple[str, ...]
    release: ShippedRelease
    base: BaseImage
    labels: Mapping[str, str]
    environment: Contract | None
    layers: tuple[LayerFacts, ...]
    contents: Contents
    files: Mapping[str, ImageFile]

    @property
    def size(self) -> int:
        """The size of all layers unpacked, in bytes."""
        return sum(layer.size for layer in self.layers)

    @property
    def packed(self) -> int | None:
        """The size of all layers as a registry has them; None where one isn't known."""
        sizes = [layer.packed for layer in self.layers if layer.packed is not None]
        return sum(sizes) if len(sizes) == len(self.layers) else None

    @property
    def applications(self) -> tuple[Application, ...]:
        """The release's applications, by name."""
        return self.contents.applications

    @property
    def parts(self) -> tuple[Part, ...]:
        """What each layer holds, by what takes the most space in it."""
        taken: list[dict[Part, int]] = [{} for _ in self.layers]
        origins = {f"{each.name}-{each.version}": _PARTS[each.origin] for each in self.applications}
        for path, file in self.files.items():
            part = self._part_of(path, origins)
            taken[file.layer][part] = taken[file.layer].get(part, 0) + file.size
        # relbuild labels the base image; a minimal image has none.
        based = self.base.name is not None or labels.BUILT_BY not in self.labels
        return tuple(_part(sizes, lowest=based and not index) for index, sizes in enumerate(taken))

    def _part_of(self, path: str, origins: Mapping[str, Part]) -> Part:
        inside = path.removeprefix(f"{self.release.directory}/") if self.release.directory else path
        if inside == path and self.release.directory:
            return "system"
        first, _, rest = inside.partition("/")
        if first == "lib":
            return origins.get(rest.partition("/")[0], "project")
        return "otp" if first.startswith("erts-") else "project"


def _part(sizes: Mapping[Part, int], *, lowest: bool) -> Part:
    # A WORKDIR makes a layer of one directory; of other layers a later one has replaced all files.
    most: Part = max(sizes, key=lambda part: sizes[part], default="empty")
    if most == "system":
        return "base" if lowest else "system"
    whole = {"otp", "project"} <= sizes.keys()
    return "release" if whole and len(sizes.keys() & {"otp", "dependencies", "project"}) > 1 else most


def environment(label: Mapping[str, str]) -> Contract | None:
    """Return the contract in an image's labels; an empty one if relbuild built it and it reads no variable."""
    contract = label.get(labels.ENVIRONMENT)
    if contract is not None:
        return from_label(contract)
    return Contract() if labels.BUILT_BY in label else None


def visible(files: FileSystem) -> dict[str, ImageFile]:
    """Return the regular files that a container of the image sees."""
    return dict(_visible(files))


def _visible(files: FileSystem) -> Iterable[tuple[str, ImageFile]]:
    for path in files.files(""):
        entry, layer = files.entry(path), files.layer(path)
        if entry is not None and layer is not None:
            yield path, ImageFile(entry.size, layer)
