"""Versions out of a project's own Dockerfile and CI, where its other files name none."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.config import parse
from relbuild.errors import Mark
from relbuild.facts import Known
from relbuild.mix.toolchain import resolve_toolchain

PHOENIX = """ARG ELIXIR_VERSION=1.15.4
ARG OTP_VERSION=26.0.2
ARG DEBIAN_VERSION=bullseye-20230612-slim

ARG BUILDER_IMAGE="hexpm/elixir:${ELIXIR_VERSION}-erlang-${OTP_VERSION}-debian-${DEBIAN_VERSION}"
ARG RUNNER_IMAGE="debian:${DEBIAN_VERSION}"

FROM ${BUILDER_IMAGE} as builder
FROM ${RUNNER_IMAGE}
"""
MATRIX = """on: push
jobs:
  test:
    strategy:
      matrix:
        elixir: ['1.13.4', '1.14.5']
        otp: [25, 24.3]
    steps:
      - uses: actions/checkout@v4
      - uses: erlef/setup-beam@v1
        with:
          otp-version: ${{ matrix.otp }}
          elixir-version: ${{ matrix.elixir }}
"""
ENV = (
    MATRIX.replace("matrix.otp", "env.OTP")
    .replace("matrix.elixir", "env.ELIXIR")
    .replace("on: push\n", "on: push\nenv: {OTP: 25.3.2, ELIXIR: 1.14.5}\n")
)
INCLUDED = """jobs:
  test:
    strategy: {matrix: {include: [{elixir: 1.14.5, otp: 25.3}, {elixir: 1.13.4, otp: 24.3}]}}
    steps:
      - {uses: erlef/setup-beam@v1, with: {otp-version: "${{ matrix.otp }}", elixir-version: "${{ matrix.elixir }}"}}
"""
DEFAULT = ("1.20.4", "29.1.1")


def versions(
    dict_tree: Any, files: dict[str, str | bytes], config: str = "", requires: str = "~> 1.12"
) -> tuple[str, str, str, str]:
    tools = resolve_toolchain(dict_tree(files), parse(config.encode()), (Known(requires, Mark("mix.exs", 8, 15)),))
    assert tools.elixir is not None
    assert tools.otp is not None
    return tools.elixir.value, tools.otp.value, tools.elixir.source, tools.otp.source


@pytest.mark.parametrize(
    ("files", "elixir", "otp", "source"),
    [
        ({"Dockerfile": PHOENIX}, "1.15.4", "26.0.2", "Dockerfile:8"),
        ({"Dockerfile": "FROM hexpm/elixir:1.14.5-erlang-25.3.2-alpine-3.17.0\n"}, "1.14.5", "25.3.2", "Dockerfile:1"),
        ({"Dockerfile": "from --platform=$BUILDPLATFORM elixir:1.14 AS b\n"}, "1.14.5", "25.3.2.21", "Dockerfile:1"),
        ({"Dockerfile": "FROM elixir:1.14.5-otp-25-slim\n"}, "1.14.5", "25.3.2.21", "Dockerfile:1"),
        ({"Dockerfile": "FROM bitwalker/alpine-elixir-phoenix:1.13.4\n"}, "1.13.4", "24.3.4.17", "Dockerfile:1"),
        ({"Dockerfile": "FROM node:20\nFROM elixir:1.14.5\n"}, "1.14.5", "25.3.2.21", "Dockerfile:2"),
        (
            {"Dockerfile": "ARG ELIXIR_VERSION=1.14.5\nARG ERLANG_VERSION=25.3.2\nFROM base\n"},
            "1.14.5",
            "25.3.2",
            "Dockerfile:1",
        ),
        ({".github/workflows/ci.yml": MATRIX}, "1.14.5", "25.3.2.21", ".github/workflows/ci.yml:13"),
        ({".github/workflows/ci.yaml": ENV}, "1.14.5", "25.3.2", ".github/workflows/ci.yaml:14"),
        ({".github/workflows/ci.yml": INCLUDED}, "1.14.5", "25.3", ".github/workflows/ci.yml:5"),
        ({".gitlab-ci.yml": "image: elixir:1.14.5-otp-25\n"}, "1.14.5", "25.3.2.21", ".gitlab-ci.yml:1"),
        (
            {".gitlab-ci.yml": "test:\n  image:\n    name: 'hexpm/elixir:1.14.5-erlang-25.3.2-debian-bullseye'\n"},
            "1.14.5",
            "25.3.2",
            ".gitlab-ci.yml:3",
        ),
        ({"Dockerfile": PHOENIX, ".gitlab-ci.yml": "image: elixir:1.14.5\n"}, "1.15.4", "26.0.2", "Dockerfile:8"),
        # Above the project, in its repository.
        (
            {"../.git/HEAD": "", "../.github/workflows/ci.yml": MATRIX},
            "1.14.5",
            "25.3.2.21",
            "../.github/workflows/ci.yml:13",
        ),
    ],
)
def test_where_nothing_else_names_versions(
    dict_tree: Any, files: dict[str, str | bytes], elixir: str, otp: str, source: str
) -> None:
    assert versions(dict_tree, files)[:3] == (elixir, otp, source)


@pytest.mark.parametrize(
    ("files", "requires"),
    [
        ({"Dockerfile": "FROM elixir:latest\n"}, "~> 1.12"),
        ({"Dockerfile": "FROM elixir\n"}, "~> 1.12"),
        ({"Dockerfile": "FROM elixir:1.8.2\n"}, "~> 1.12"),
        ({"Dockerfile": "FROM elixir:1.14.5\n"}, "~> 1.15"),
        ({"Dockerfile": "FROM hexpm/elixir:1.18.4-erlang-22.0-debian-x\n"}, "~> 1.12"),
        ({"Dockerfile": b"FROM elixir:1.14.5 \xff\n"}, "~> 1.12"),
        ({"Dockerfile": "# The image of the release shop, written by relbuild\nFROM elixir:1.14.5\n"}, "~> 1.12"),
        ({".github/workflows/ci.yml": "jobs: [erlef/setup-beam\n"}, "~> 1.12"),
        ({".github/workflows/ci.yml": MATRIX.replace("matrix.elixir", "inputs.elixir")}, "~> 1.12"),
        ({".github/workflows/ci.yml": "jobs: {a: {steps: [{uses: erlef/setup-beam@v1}]}}\n"}, "~> 1.12"),
    ],
)
def test_what_does_not_count(dict_tree: Any, files: dict[str, str | bytes], requires: str) -> None:
    assert versions(dict_tree, files, requires=requires)[:2] == DEFAULT


@pytest.mark.parametrize(
    ("files", "config", "elixir"),
    [
        ({".tool-versions": "elixir 1.18.4\n"}, "", "1.18.4"),
        ({".tool-versions": "erlang 27.3.4\n"}, "", "1.20.4"),
        ({}, "elixir: 1.18.4\n", "1.18.4"),
        ({}, "toolchain: debian\n", "1.18.3"),
    ],
)
def test_what_counts_before(dict_tree: Any, files: dict[str, str | bytes], config: str, elixir: str) -> None:
    assert versions(dict_tree, {"Dockerfile": PHOENIX, **files}, config)[0] == elixir
