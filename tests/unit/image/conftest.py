"""An image out of thin air, for what looks into one."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from relbuild.image import labels
from relbuild.image.filesystem import Entry, FileSystem, LayerFacts
from relbuild.image.inspect.contents import (
    DebianPackage,
    debian_packages,
    find_release,
    read_contents,
    read_distribution,
)
from relbuild.image.inspect.inspection import BaseImage, Inspection, environment, visible

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """An image that is looked into, and the files it was made of."""

    inspection: Inspection
    packages: tuple[DebianPackage, ...] | None
    read: Callable[[str], bytes | None]


BASE: Files = {
    "etc/os-release": (
        b'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
    ),
    "usr/lib/libc.so.6": b"c" * 9000,
    "var/lib/dpkg/status": (
        b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.41-12\n"
        b"Description: the C library\n more of it\n\n"
        b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    ),
}
RELEASE: Files = {
    "app/erts-15.2.7/bin/beam.smp": b"b" * 5000,
    "app/lib/kernel-10.2/ebin/kernel.app": (
        b'{application,kernel,[{vsn,"10.2"},{applications,[]},{included_applications,[]}]}.'
    ),
    "app/lib/elixir-1.18.3/ebin/elixir.app": (
        b'{application,elixir,[{vsn,"1.18.3"},{applications,[kernel,stdlib,compiler]}]}.'
    ),
}
DEPENDENCIES: Files = {
    "app/lib/jason-1.4.1/ebin/jason.app": (
        b'{application,jason,[{vsn,"1.4.1"},{applications,[kernel,elixir,decimal]},{optional_applications,[decimal]}]}.'
    ),
    "app/lib/jason-1.4.1/ebin/jason.beam": b"j" * 3000,
    "app/lib/tool-0.2.0/ebin/tool.app": b'{application,tool,[{vsn,"0.2.0"},{applications,[kernel]}]}.',
}
PROJECT: Files = {
    "app/bin/shop": b"#!/bin/sh\n",
    "app/lib/shop-0.1.0/ebin/shop.app": (
        b'{application,shop,[{vsn,"0.1.0"},{applications,[kernel,elixir,jason,tool]}]}.'
    ),
    "app/releases/start_erl.data": b"15.2.7 0.1.0",
    "app/releases/0.1.0/shop.rel": (
        b'{release,{"shop","0.1.0"},{erts,"15.2.7"},[{kernel,"10.2",permanent},{elixir,"1.18.3"},{jason,"1.4.1"},'
        b'{tool,"0.2.0"},{shop,"0.1.0"}]}.'
    ),
    "app/releases/27/OTP_VERSION": b"27.3.4\n",
    "app/releases/mix.lock": (
        b'%{\n  "jason": {:hex, :jason, "1.4.1", "' + b"a" * 64 + b'", [:mix], [], "hexpm", "' + b"b" * 64 + b'"},\n'
        b'  "tool": {:git, "https://github.com/Acme/tool.git", "' + b"c" * 40 + b'", []},\n}\n'
    ),
}
LABELS = {
    labels.BUILT_BY: "relbuild 0.1.0",
    labels.RELEASE: "shop",
    labels.ROOT: "/app",
    labels.APPLICATIONS: "shop",
    labels.OCI_BASE_NAME: "debian:trixie-slim",
    labels.ENVIRONMENT: (
        '{"version":1,"variables":[{"name":"URL","kind":"required","at":"config/runtime.exs:3",'
        '"requirements":[{"fails":{"variable":"URL","in":[null]},"at":"config/runtime.exs:3","message":"say where"}]}]}'
    ),
}


def make(
    layers: Sequence[Files] = (BASE, RELEASE, DEPENDENCIES, PROJECT),
    label: Mapping[str, str] = LABELS,
    **changes: Any,
) -> Made:
    """Return the image of these layers, looked into."""
    files = FileSystem([{path: Entry("file", len(content)) for path, content in layer.items()} for layer in layers])

    def read(path: str) -> bytes | None:
        place = files.place(path)
        return None if place is None else layers[place.layer][place.path]

    held = find_release(files, read, label)
    assert held is not None
    facts: dict[str, Any] = {
        "reference": "shop:0.1.0",
        "id": f"sha256:{'1' * 64}",
        "created": "2026-01-02T03:04:05.678901234Z",
        "platform": "linux/amd64",
        "user": "10001:10001",
        "command": (posixpath.join(held.root, "bin/shop"), "start"),
        "release": held,
        "base": BaseImage(label.get(labels.OCI_BASE_NAME), label.get(labels.OCI_BASE_DIGEST), read_distribution(read)),
        "labels": label,
        "environment": environment(label),
        "layers": tuple(_facts(index, layer) for index, layer in enumerate(layers)),
        "contents": read_contents(files, read, held, label),
        "files": visible(files),
    }
    return Made(Inspection(**{**facts, **changes}), debian_packages(files, read), read)


def _facts(index: int, layer: Files) -> LayerFacts:
    size = sum(map(len, layer.values()))
    digest = f"{abs(hash(tuple(sorted(layer.items())))):064x}"[-64:]
    return LayerFacts(
        f"sha256:{digest}", f"sha256:{digest}", size, size // 3, len(layer), f"COPY /layers/{index}/ / # buildkit"
    )


@pytest.fixture(scope="session")
def made() -> Callable[..., Made]:
    """Return a function that gives an image of layers (path → content), shop's by default."""
    return make


@pytest.fixture(scope="session")
def shop_layers() -> tuple[Files, ...]:
    """Return the layers of shop: its base, ERTS with OTP and Elixir, its dependencies, and itself."""
    return (BASE, RELEASE, DEPENDENCIES, PROJECT)
