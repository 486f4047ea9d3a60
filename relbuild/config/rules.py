"""What keys of relbuild.yml demand of one another; each rule has its twin in the JSON Schema (schema.py)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from relbuild.config import texts
from relbuild.config.kinds import keys
from relbuild.config.model import Config
from relbuild.config.target import Target
from relbuild.config.words import either, quoted
from relbuild.errors import Problem

OWN_IMAGES = ("hexpm", "official")
"""The toolchains that choose the builder image themselves."""


def check(config: Config, bad: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each rule that is broken; a rule that meets a value that is bad by itself is left out."""
    if "toolchain" not in bad:
        yield from _builder_image(config, bad)
        yield from _git_reference(config)
    for name, target in config.targets.items():
        yield from _target(config, f"targets.{name}", target)
        # An item that is bad by itself is not in the tuple, so that the index of another says nothing.
        if target.engine == "swarm" and not any(path.startswith(f"targets.{name}.publish") for path in bad):
            yield from _swarm_ports(config, f"targets.{name}.publish", target)


def _builder_image(config: Config, bad: Collection[str]) -> Iterator[Problem]:
    # Without a toolchain, builder.image is enough: it can only mean toolchain: image.
    if config.toolchain == "image":
        if config.builder.image is None and not {"builder", "builder.image"} & set(bad):
            message = "builder.image: is missing, toolchain: image builds in it"
            hint = "write builder: {image: registry.example.com/elixir:1.18.4}"
            yield Problem(message, config.marks["toolchain"], hint)
    elif config.builder.image is not None and config.toolchain in OWN_IMAGES and "toolchain" in config.marks:
        message = f"builder.image: has no use with toolchain: {config.toolchain}, which has images of its own"
        yield Problem(message, config.marks["builder.image"], "write toolchain: image, or take builder.image away")


def _git_reference(config: Config) -> Iterator[Problem]:
    # Without a toolchain, a git reference is enough: it can only mean toolchain: source.
    if config.elixir is None or config.toolchain == "source" or "toolchain" not in config.marks:
        return
    if not re.fullmatch(texts.ELIXIR_VERSION, config.elixir):
        message = f"elixir: should be a version with toolchain: {config.toolchain}, is {quoted(config.elixir)}"
        hint = "write toolchain: source, which builds Elixir from git, or a version such as elixir: 1.18.4"
        yield Problem(message, config.marks["elixir"], hint)


def _target(config: Config, path: str, target: Target) -> Iterator[Problem]:
    for name, key in keys(Target).items():
        if key.engines and target.engine not in key.engines and f"{path}.{name}" in config.marks:
            message = f"{path}.{name}: has no meaning for engine: {target.engine}, only for {either(key.engines)}"
            yield Problem(message, config.marks[f"{path}.{name}"], "take it away")
    if target.engine == "kubernetes":
        return
    if target.host is not None and target.context is not None:
        message = f"{path}.context: names a second engine beside host"
        yield Problem(message, config.marks[f"{path}.context"], "keep either host or context")


def _swarm_ports(config: Config, path: str, target: Target) -> Iterator[Problem]:
    for index, published in enumerate(target.publish):
        if not re.match(r"[0-9]+:[0-9]+(?:/|$)", published):
            message = f"{path}[{index}]: has an address, and a swarm publishes on all its nodes"
            yield Problem(message, config.marks[f"{path}[{index}]"], f"write {':'.join(published.rsplit(':', 2)[1:])}")
