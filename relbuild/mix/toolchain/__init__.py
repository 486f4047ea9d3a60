"""Which Elixir, OTP, Debian, Node and Rust a project requests, where, and which image has them."""

from __future__ import annotations

from relbuild.mix.toolchain.compatibility import Choice
from relbuild.mix.toolchain.providers import Toolchain, resolve_toolchain, runtime_packages, toolchain_packages
from relbuild.mix.toolchain.requests import Settings, image_codename

__all__ = [
    "Choice",
    "Settings",
    "Toolchain",
    "image_codename",
    "resolve_toolchain",
    "runtime_packages",
    "toolchain_packages",
]
