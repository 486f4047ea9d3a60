"""What keys of relbuild.yml demand of one another; each rule has its twin in the JSON Schema (schema.py)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from relbuild.config import texts
from relbuild.config.kinds import keys
from relbuild.config.model import Config, Target
from relbuild.config.words import either
from relbuild.errors import Problem


def check(config: Config, bad: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each rule that is broken; a rule that meets a value that is bad by itself is left out."""
    if "toolchain" not in bad:
        yield from _builder_image(config, bad)
        yield from _versions(config)
    for name, target in config.targets.items():
        yield from _target(config, f"targets.{name}", target)
        # An item that is bad by itself is not in the tuple, so that the index of another says nothing.
        if target.engine == "swarm" and not any(path.startswith(f"targets.{name}.publish") for path in bad):
            yield from _swarm_ports(config, f"targets.{name}.publish", target)


def _builder_image(config: Config, bad: Collection[str]) -> Iterator[Problem]:
    if config.toolchain == "image":
        if config.builder.image is None and not {"builder", "builder.image"} & set(bad):
            message = "builder.image: is missing, toolchain: image builds in it"
            hint = "write builder: {image: registry.example.com/elixir:1.18.4}"
            yield Problem(message, config.marks["toolchain"], hint)
    elif config.builder.image is not None:
        message = f"builder.image: has no use with toolchain: {config.toolchain}"
        yield Problem(message, config.marks["builder.image"], "write toolchain: image, or take builder.image away")


def _versions(config: Config) -> Iterator[Problem]:
    if config.toolchain == "source":
        return
    for name, value, pattern in (
        ("elixir", config.elixir, texts.ELIXIR_VERSION),
        ("otp", config.otp, texts.OTP_VERSION),
    ):
        if value is not None and not re.fullmatch(pattern, value):
            message = f"{name}: should be a version with toolchain: {config.toolchain}, is {value!r}"
            hint = f"write {name}: {keys(Config)[name].example}, or toolchain: source to build from git"
            yield Problem(message, config.marks[name], hint)


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
