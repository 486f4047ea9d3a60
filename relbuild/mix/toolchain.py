"""Elixir, OTP and Debian: which, said where, do they go together, and the images that have them."""

from __future__ import annotations

from collections.abc import Callable

from relbuild.errors import ConfigError, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix import providers
from relbuild.mix.asked import Asked, Settings, ask, image_codename
from relbuild.mix.compatibility import Choice
from relbuild.mix.packages import runtime_packages, toolchain_packages
from relbuild.mix.providers import Toolchain

__all__ = ["Choice", "Settings", "Toolchain", "image_codename", "resolve", "runtime_packages", "toolchain_packages"]

_PROVIDERS: dict[str, Callable[[Asked], Toolchain]] = {
    "hexpm": providers.hexpm,
    "official": providers.official,
    "debian": providers.debian,
    "source": providers.source,
    "image": providers.image,
}


def resolve(
    tree: Tree,
    config: Settings,
    elixir_requirements: tuple[Known[str] | Unknown, ...],
    *,
    rebar3: bool = True,
    locked: str | None = None,
) -> Toolchain:
    """Return the toolchain that relbuild.yml and the project's files request, with the source of every part.

    For each of Elixir and OTP the first file that names a version counts: relbuild.yml, .tool-versions, mise.toml,
    .elixir-version and .erlang-version, elixir_buildpack.config, a .tool-versions or mise.toml above the project. Where
    none of them names either, the first of the project's Dockerfile and CI whose versions mix.exs allows; else the
    newest that the requirement in mix.exs allows.
    ``rebar3`` tells whether a dependency may be built with rebar3, which is 700 MB of Debian packages. ``locked`` is
    the builder image of an earlier choice: where it still is one of those that are asked for, it is the choice.

    Raises ConfigError or ProjectError, with the place, for versions that can't be read, that no image has, or that
    don't go together.
    """
    try:
        asked = ask(tree, config, elixir_requirements, rebar3=rebar3, locked=locked)
        return _PROVIDERS[_provider(asked)](asked)
    except ProjectError as error:
        if all(problem.at in config.marks.values() for problem in error.problems):
            raise ConfigError.of(error.problems) from error
        raise


def _provider(asked: Asked) -> str:
    config, elixir, image = asked.config, asked.elixir, asked.config.builder.image
    if "toolchain" not in config.marks and config.toolchain == "hexpm":
        if image is not None:
            asked.notes.append(f"{asked.place('builder.image')[0]} names the builder image: toolchain is image")
            return "image"
        if elixir is not None and elixir.ref is not None:
            asked.notes.append(f"{elixir.source} asks for {elixir.text}, which no image has: toolchain is source")
            return "source"
    if config.toolchain not in ("hexpm", "official"):
        return config.toolchain
    if image is not None:
        raise ConfigError(
            f"builder.image goes with toolchain: image, debian or source, not with {config.toolchain}",
            at=asked.place("builder.image")[1],
            hint="leave one of them out",
        )
    if elixir is not None and elixir.ref is not None:
        raise ProjectError(
            f"{elixir.source} asks for {elixir.text}; toolchain: {config.toolchain} has released versions only",
            at=elixir.at,
            hint="write toolchain: source, or a version such as elixir: 1.18.4, in relbuild.yml",
        )
    return config.toolchain
