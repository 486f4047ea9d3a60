from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.config import parse
from relbuild.elixir.versions import Version
from relbuild.errors import ConfigError, Mark, ProjectError, RelbuildError
from relbuild.facts import Known, Unknown
from relbuild.mix.toolchain import (
    Choice,
    Toolchain,
    image_codename,
    resolve_toolchain,
    runtime_packages,
    toolchain_packages,
)
from relbuild.mix.toolchain.compatibility import supported
from relbuild.mix.toolchain.hexpm import HexpmTag
from relbuild.mix.toolchain.tables import ELIXIR_NEWEST, ELIXIR_OTP

FILES = (".tool-versions", "mise.toml", ".elixir-version", ".erlang-version", "elixir_buildpack.config")
REQUIRED_AT = Mark("mix.exs", 8, 15)


class Files:
    """A tree of a few files."""

    def __init__(self, files: dict[str, str | bytes]) -> None:
        self.files = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def settle(config: str = "", requires: str | None = None, *, rebar3: bool = True, **files: str | bytes) -> Toolchain:
    """Resolve what relbuild.yml, mix.exs and the files ask for; ``tool_versions`` is .tool-versions and so on."""
    names = {
        "tool_versions": ".tool-versions",
        "mise": "mise.toml",
        "elixir_version": ".elixir-version",
        "erlang_version": ".erlang-version",
        "buildpack": "elixir_buildpack.config",
    }
    tree = Files({names[key]: content for key, content in files.items()})
    fact = () if requires is None else (Known(requires, REQUIRED_AT),)
    return resolve_toolchain(tree, parse(config.encode()), fact, rebar3=rebar3)


@dataclass(frozen=True)
class Case:
    """What is requested, and what comes of it, each choice as VALUE from SOURCE."""

    name: str
    ask: Callable[[], Toolchain]
    provider: str
    elixir: str | None
    otp: str | None
    debian: str
    builder: str
    runner: str
    notes: tuple[str, ...] = ()
    ref: str | None = None


HEXPM = "hexpm/elixir:"
MIRRORED = "r.acme.io:5000/hexpm/elixir:1.18.4-erlang-27.3.4.2-debian-trixie-20250811-slim"
COMPOSED = "is not in relbuild's table: its name is put together; relbuild lock finds one that is there"

CASES = (
    Case(
        "nothing is said",
        settle,
        "hexpm",
        "1.20.4 from default",
        "29.1.1 from the newest that Elixir 1.20.4 was made for",
        "trixie from default",
        HEXPM + "1.20.4-erlang-29.1.1-debian-trixie-20260918-slim",
        "debian:trixie-20260918-slim",
    ),
    Case(
        "mix.exs alone",
        lambda: settle("", "~> 1.17.0"),
        "hexpm",
        "1.17.3 from mix.exs:8 (~> 1.17.0)",
        "27.3.4.16 from the newest that Elixir 1.17.3 was made for",
        "bookworm from the newest that relbuild's table has with Elixir 1.17.3 and OTP 27.3.4.16",
        HEXPM + "1.17.3-erlang-27.3.4.16-debian-bookworm-20260803-slim",
        "debian:bookworm-20260803-slim",
    ),
    Case(
        "asdf with the suffix",
        lambda: settle("", "~> 1.15", tool_versions="elixir 1.18.4-otp-27\nerlang 27.3.4.2\n"),
        "hexpm",
        "1.18.4 from .tool-versions:1",
        "27.3.4.2 from .tool-versions:2",
        "trixie from default",
        HEXPM + "1.18.4-erlang-27.3.4.2-debian-trixie-20250811-slim",
        "debian:trixie-20250811-slim",
        (".tool-versions:1: 1.18.4-otp-27 is Elixir 1.18.4 for OTP 27",),
    ),
    Case(
        "the suffix alone says OTP",
        lambda: settle("debian: bookworm", tool_versions="elixir 1.17.3-otp-26\n"),
        "hexpm",
        "1.17.3 from .tool-versions:1",
        "26.2.5.21 from .tool-versions:1 (-otp-26)",
        "bookworm from relbuild.yml:1",
        HEXPM + "1.17.3-erlang-26.2.5.21-debian-bookworm-20260803-slim",
        "debian:bookworm-20260803-slim",
        (
            ".tool-versions:1: 1.17.3-otp-26 is Elixir 1.17.3 for OTP 26",
            ".tool-versions:1 (-otp-26) asks for OTP 26: 26.2.5.21 is the newest in relbuild's table that fits",
        ),
    ),
    Case(
        "relbuild.yml over the project's files",
        lambda: settle('elixir: 1.19.5\notp: "28.3"\n', tool_versions="elixir 1.18.4-otp-27\nerlang 27.3.4.2\n"),
        "hexpm",
        "1.19.5 from relbuild.yml:1",
        "28.3 from relbuild.yml:2",
        "trixie from default",
        HEXPM + "1.19.5-erlang-28.3-debian-trixie-20260202-slim",
        "debian:trixie-20260202-slim",
    ),
    Case(
        "relbuild.yml's OTP over the suffix",
        lambda: settle('otp: "28.0.1"\n', tool_versions="elixir 1.18.4-otp-27\n"),
        "hexpm",
        "1.18.4 from .tool-versions:1",
        "28.0.1 from relbuild.yml:1",
        "bookworm from the newest that relbuild's table has with Elixir 1.18.4 and OTP 28.0.1",
        HEXPM + "1.18.4-erlang-28.0.1-debian-bookworm-20250630-slim",
        "debian:bookworm-20250630-slim",
        (
            ".tool-versions:1: 1.18.4-otp-27 is Elixir 1.18.4 for OTP 27",
            "relbuild.yml:1 asks for OTP 28.0.1, which overrides the suffix of 1.18.4-otp-27",
        ),
    ),
    Case(
        "each value from the first file that says it",
        lambda: settle(
            mise="[tools]\nelixir = '1.19'\n",
            elixir_version="1.17.3",
            erlang_version="28",
            buildpack="erlang_version=27",
        ),
        "hexpm",
        "1.19.6 from mise.toml:2",
        "28.5.0.7 from .erlang-version:1",
        "bookworm from the newest that relbuild's table has with Elixir 1.19.6 and OTP 28.5.0.7",
        HEXPM + "1.19.6-erlang-28.5.0.7-debian-bookworm-20261005-slim",
        "debian:bookworm-20261005-slim",
        (
            "mise.toml:2 asks for Elixir 1.19: 1.19.6 is the newest in relbuild's table that fits",
            ".erlang-version:1 asks for OTP 28: 28.5.0.7 is the newest in relbuild's table that fits",
        ),
    ),
    Case(
        "an OTP decides on the Elixir",
        lambda: settle("debian: bookworm", "~> 1.14", tool_versions="erlang 25.3.2.21\n"),
        "hexpm",
        "1.18.5 from mix.exs:8 (~> 1.14)",
        "25.3.2.21 from .tool-versions:1",
        "bookworm from relbuild.yml:1",
        HEXPM + "1.18.5-erlang-25.3.2.21-debian-bookworm-20261005-slim",
        "debian:bookworm-20261005-slim",
        (HEXPM + f"1.18.5-erlang-25.3.2.21-debian-bookworm-20261005-slim {COMPOSED}",),
    ),
    Case(
        "an exact pair that no table has",
        lambda: settle(elixir_version="1.18.2", erlang_version="27.2.1"),
        "hexpm",
        "1.18.2 from .elixir-version:1",
        "27.2.1 from .erlang-version:1",
        "trixie from default",
        HEXPM + "1.18.2-erlang-27.2.1-debian-trixie-20260918-slim",
        "debian:trixie-20260918-slim",
        (HEXPM + f"1.18.2-erlang-27.2.1-debian-trixie-20260918-slim {COMPOSED}",),
    ),
    Case(
        "an OTP that has been followed by another",
        lambda: settle(elixir_version="1.19.5", erlang_version="28.1"),
        "hexpm",
        "1.19.5 from .elixir-version:1",
        "28.1 from .erlang-version:1",
        "trixie from default",
        HEXPM + "1.19.5-erlang-28.1-debian-trixie-20250908-slim",
        "debian:trixie-20250908-slim",
        (HEXPM + f"1.19.5-erlang-28.1-debian-trixie-20250908-slim {COMPOSED}",),
    ),
    Case(
        "an OTP that has been followed, seen on another Debian alone",
        lambda: settle("debian: trixie", elixir_version="1.19.5", erlang_version="28.5.0.1"),
        "hexpm",
        "1.19.5 from .elixir-version:1",
        "28.5.0.1 from .erlang-version:1",
        "trixie from relbuild.yml:1",
        HEXPM + "1.19.5-erlang-28.5.0.1-debian-trixie-20260518-slim",
        "debian:trixie-20260518-slim",
        (HEXPM + f"1.19.5-erlang-28.5.0.1-debian-trixie-20260518-slim {COMPOSED}",),
    ),
    Case(
        "an OTP that was followed before there was such a Debian",
        lambda: settle("debian: trixie", elixir_version="1.17.2", erlang_version="27.0"),
        "hexpm",
        "1.17.2 from .elixir-version:1",
        "27.0 from .erlang-version:1",
        "trixie from relbuild.yml:1",
        HEXPM + "1.17.2-erlang-27.0-debian-trixie-20260918-slim",
        "debian:trixie-20260918-slim",
        (HEXPM + f"1.17.2-erlang-27.0-debian-trixie-20260918-slim {COMPOSED}",),
    ),
    Case(
        "an Elixir newer than the table",
        lambda: settle(elixir_version="1.20.9", erlang_version="29.1.1"),
        "hexpm",
        "1.20.9 from .elixir-version:1",
        "29.1.1 from .erlang-version:1",
        "trixie from default",
        HEXPM + "1.20.9-erlang-29.1.1-debian-trixie-20260918-slim",
        "debian:trixie-20260918-slim",
        (
            ".elixir-version:1 asks for Elixir 1.20.9, which is not in relbuild's table: taken at its word",
            HEXPM + f"1.20.9-erlang-29.1.1-debian-trixie-20260918-slim {COMPOSED}",
        ),
    ),
    Case(
        "a Debian with a date, a runner of one's own",
        lambda: settle("debian: trixie-20260803\nrunner: {base: 'acme/base:trixie'}\n", "~> 1.20.0 and < 1.20.4"),
        "hexpm",
        "1.20.3 from mix.exs:8 (~> 1.20.0 and < 1.20.4)",
        "29.0.5 from the newest that Elixir 1.20.3 was made for",
        "trixie from relbuild.yml:1",
        HEXPM + "1.20.3-erlang-29.0.5-debian-trixie-20260803-slim",
        "acme/base:trixie",
    ),
    Case(
        "the runner's base says the Debian",
        lambda: settle("runner: {base: 'debian:12-slim'}\n", tool_versions="elixir 1.20.4\n"),
        "hexpm",
        "1.20.4 from .tool-versions:1",
        "29.1.1 from the newest that Elixir 1.20.4 was made for",
        "bookworm from relbuild.yml:1 (runner.base: debian:12-slim)",
        HEXPM + "1.20.4-erlang-29.1.1-debian-bookworm-20260918-slim",
        "debian:12-slim",
    ),
    Case(
        "debian",
        lambda: settle("toolchain: debian", "~> 1.14"),
        "debian",
        "1.18.3 from Debian trixie",
        "27.3.4.1 from Debian trixie",
        "trixie from default",
        "debian:trixie-slim",
        "debian:trixie-slim",
    ),
    Case(
        "debian has other versions than asdf asks for",
        lambda: settle("toolchain: debian\nelixir: '1.18'\n", "~> 1.14", tool_versions="elixir 1.17\nerlang 26.2.5\n"),
        "debian",
        "1.18.3 from Debian trixie",
        "27.3.4.1 from Debian trixie",
        "trixie from default",
        "debian:trixie-slim",
        "debian:trixie-slim",
        (".tool-versions:2 asks for OTP 26.2.5, Debian trixie has 27.3.4.1, which is taken",),
    ),
    Case(
        "debian, the next release",
        lambda: settle("toolchain: debian\ndebian: forky-20260803\n", "~> 1.20"),
        "debian",
        "1.20.4 from Debian forky",
        "29.1.1 from Debian forky",
        "forky from relbuild.yml:2",
        "debian:forky-20260803-slim",
        "debian:forky-20260803-slim",
        ("Debian forky is still moving: Elixir 1.20.4, OTP 29.1.1 or newer",),
    ),
    Case(
        "official",
        lambda: settle("toolchain: official", tool_versions="elixir 1.17\nerlang 26.2.5.1\n"),
        "official",
        "1.17.3 from .tool-versions:1",
        "26 from .tool-versions:2",
        "bookworm from the official image with OTP 26",
        "elixir:1.17.3-otp-26-slim",
        "debian:bookworm-slim",
        (
            "the official image has no choice of OTP's patch: 26, not 26.2.5.1 (.tool-versions:2)",
            ".tool-versions:1 asks for Elixir 1.17: 1.17.3 is the newest in relbuild's table that fits",
        ),
    ),
    Case(
        "official, nothing said",
        lambda: settle("toolchain: official", "~> 1.18.0"),
        "official",
        "1.18.4 from mix.exs:8 (~> 1.18.0)",
        "27 from the newest that Elixir 1.18.4 was made for",
        "bookworm from the official image with OTP 27",
        "elixir:1.18.4-otp-27-slim",
        "debian:bookworm-slim",
    ),
    Case(
        "a git ref in .tool-versions",
        lambda: settle("", "~> 1.15", tool_versions="elixir ref:4dfe8a0\nerlang 28.4.3\n"),
        "source",
        "4dfe8a0 from .tool-versions:1",
        "28.4.3 from .tool-versions:2",
        "trixie from default",
        "hexpm/erlang:28.4.3-debian-trixie-20260610-slim",
        "debian:trixie-20260610-slim",
        (".tool-versions:1 asks for ref:4dfe8a0, which no image has: toolchain is source",),
        "4dfe8a0",
    ),
    Case(
        "a branch in the buildpack's settings",
        lambda: settle(buildpack="elixir_version=(branch v1.18)\n"),
        "source",
        "v1.18 from elixir_buildpack.config:1",
        "27.3.4.18 from default",
        "bookworm from the newest that relbuild's table has with OTP 27.3.4.18",
        "hexpm/erlang:27.3.4.18-debian-bookworm-20261005-slim",
        "debian:bookworm-20261005-slim",
        (
            "elixir_buildpack.config:1 asks for branch:v1.18, which no image has: toolchain is source",
            "Elixir v1.18 may move: a build keeps the one it fetched while its cache lasts; ref:COMMIT names one",
        ),
        "v1.18",
    ),
    Case(
        "a release from source",
        lambda: settle("toolchain: source\nelixir: 1.18.4\n", "~> 1.15"),
        "source",
        "1.18.4 from relbuild.yml:2",
        "27.3.4.18 from the newest that Elixir 1.18.4 was made for",
        "bookworm from the newest that relbuild's table has with OTP 27.3.4.18",
        "hexpm/erlang:27.3.4.18-debian-bookworm-20261005-slim",
        "debian:bookworm-20261005-slim",
        (),
        "v1.18.4",
    ),
    Case(
        "from source on Debian's own OTP",
        lambda: settle("toolchain: source\nelixir: main\nbuilder: {image: 'debian:trixie-slim'}\n"),
        "source",
        "main from relbuild.yml:2",
        "27.3.4.1 from Debian trixie",
        "trixie from relbuild.yml:3 (builder.image: debian:trixie-slim)",
        "debian:trixie-slim",
        "debian:trixie-slim",
        ("Elixir main may move: a build keeps the one it fetched while its cache lasts; ref:COMMIT names one",),
        "main",
    ),
    Case(
        "an image",
        lambda: settle("builder: {image: 'acme/elixir:1.18-bookworm'}\n", tool_versions="elixir 1.18.4\n"),
        "image",
        "1.18.4 from .tool-versions:1",
        None,
        "bookworm from relbuild.yml:1 (builder.image: acme/elixir:1.18-bookworm)",
        "acme/elixir:1.18-bookworm",
        "debian:bookworm-slim",
        (
            "relbuild.yml:1 names the builder image: toolchain is image",
            "what OTP acme/elixir:1.18-bookworm has, only the image itself can tell",
        ),
    ),
    Case(
        "an image of hexpm's, mirrored",
        lambda: settle(f"toolchain: image\nbuilder:\n  image: {MIRRORED}\n"),
        "image",
        f"1.18.4 from builder.image {MIRRORED}",
        f"27.3.4.2 from builder.image {MIRRORED}",
        f"trixie from relbuild.yml:3 (builder.image: {MIRRORED})",
        MIRRORED,
        "debian:trixie-20250811-slim",
    ),
)


def said(choice: Choice | None) -> str | None:
    return None if choice is None else f"{choice.value} from {choice.source}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_toolchain_is_settled(case: Case) -> None:
    found = case.ask()
    assert (
        found.provider,
        said(found.elixir),
        said(found.otp),
        said(found.debian),
        found.builder_image,
        found.runner_image,
        found.notes,
        found.elixir_git_ref,
    ) == (case.provider, case.elixir, case.otp, case.debian, case.builder, case.runner, case.notes, case.ref)


def test_a_choice_has_its_place() -> None:
    found = settle("\ndebian: trixie\n", "~> 1.15", tool_versions="# ours\nerlang   27.3.4.2\n")
    assert found.elixir == Choice("1.20.4", "mix.exs:8 (~> 1.15)", REQUIRED_AT)
    assert found.otp == Choice("27.3.4.2", ".tool-versions:2", Mark(".tool-versions", 2, 10))
    assert found.debian == Choice("trixie", "relbuild.yml:2", Mark("relbuild.yml", 2, 9))


def test_a_requirement_that_is_unknown_is_told() -> None:
    unknown = Unknown("elixir", "it is computed by a function", Mark("mix.exs", 8, 15))
    found = resolve_toolchain(Files({}), parse(b""), (unknown,))
    assert said(found.elixir) == "1.20.4 from default"
    assert found.notes == ("mix.exs:8: the Elixir it requires is unknown: it is computed by a function",)


@dataclass(frozen=True)
class Refused:
    """What is requested, and the error that comes of it."""

    ask: Callable[[], Toolchain]
    error: type[RelbuildError]
    message: str
    at: Mark | None
    hint: str


TOOLS = ".tool-versions"
CONFIG = "relbuild.yml"
LINES = ", ".join(f"{line}.{patch}" for line, patch in ELIXIR_NEWEST.items())

NO_RELEASE = f"ask for a newer one, there or with elixir: in relbuild.yml; relbuild knows {LINES}"
REFUSED = (
    Refused(
        lambda: settle("elixir: latest\n"),
        ConfigError,
        "elixir: 'latest' is no release of Elixir",
        Mark(CONFIG, 1, 9),
        f"write one, such as {LINES}; without it, it is the newest that mix.exs allows",
    ),
    Refused(
        lambda: settle(tool_versions="elixir 1.14.5\nerlang 27.3\n"),
        ProjectError,
        "Elixir 1.14.5 (.tool-versions:1) does not run on OTP 27.3 (.tool-versions:2)",
        Mark(TOOLS, 1, 8),
        "Elixir 1.14.5 supports OTP 23, 24, 25, 26; OTP 27 is supported by Elixir 1.17, 1.18, 1.19, 1.20",
    ),
    Refused(
        lambda: settle("elixir: 1.20.4\n", erlang_version="26.2.5"),
        ConfigError,
        "Elixir 1.20.4 (relbuild.yml:1) does not run on OTP 26.2.5 (.erlang-version:1)",
        Mark(CONFIG, 1, 9),
        "Elixir 1.20.4 supports OTP 27, 28, 29; OTP 26 is supported by Elixir 1.14, 1.15, 1.16, 1.17, 1.18, 1.19",
    ),
    Refused(
        lambda: settle(tool_versions="elixir 1.18.4-otp-27\nerlang 26.2\n"),
        ProjectError,
        ".tool-versions:1 asks for Elixir on OTP 27 (1.18.4-otp-27), .tool-versions:2 for OTP 26.2",
        Mark(TOOLS, 1, 8),
        "write -otp-26 in the one, or OTP 27 in the other",
    ),
    Refused(
        lambda: settle("", "~> 1.15", tool_versions="elixir 1.14.5\n"),
        ProjectError,
        ".tool-versions:1 asks for Elixir 1.14.5, mix.exs:8 (~> 1.15) does not allow it",
        Mark(TOOLS, 1, 8),
        "change one of them: Mix would refuse to compile the project",
    ),
    Refused(
        lambda: settle("", "~> 1.6", buildpack="erlang_version=20.2\nelixir_version=1.6.1\n"),
        ProjectError,
        "elixir_buildpack.config:2 asks for Elixir 1.6.1, which has no mix release: that came with Elixir 1.9",
        Mark("elixir_buildpack.config", 2, 16),
        NO_RELEASE,
    ),
    Refused(
        lambda: settle("", tool_versions="elixir 1.8\n"),
        ProjectError,
        ".tool-versions:1 asks for Elixir 1.8, which has no mix release: that came with Elixir 1.9",
        Mark(TOOLS, 1, 8),
        NO_RELEASE,
    ),
    Refused(
        lambda: settle("elixir: 1.8.2\ntoolchain: image\nbuilder: {image: acme/elixir:1}\ndebian: bookworm\n"),
        ConfigError,
        "relbuild.yml:1 asks for Elixir 1.8.2, which has no mix release: that came with Elixir 1.9",
        Mark(CONFIG, 1, 9),
        NO_RELEASE,
    ),
    Refused(
        lambda: settle("", "~> 2.0"),
        ProjectError,
        "relbuild knows no Elixir that is allowed by mix.exs:8 (~> 2.0)",
        REQUIRED_AT,
        f"change it: relbuild knows Elixir {LINES}",
    ),
    Refused(
        lambda: settle("", "~> 1.20", erlang_version="25"),
        ProjectError,
        "relbuild knows no Elixir that is allowed by mix.exs:8 (~> 1.20) and runs on OTP 25 (.erlang-version:1)",
        REQUIRED_AT,
        f"change one of them: relbuild knows Elixir {LINES}",
    ),
    Refused(
        lambda: settle("", "~> 1.15", tool_versions="erlang 99.1\n"),
        ProjectError,
        "relbuild knows no Elixir that runs on OTP 99.1 (.tool-versions:1)",
        Mark(TOOLS, 1, 8),
        "take one of OTP 21, 22, 23, 24, 25, 26, 27, 28, 29",
    ),
    Refused(
        lambda: settle("", "1.15"),
        ProjectError,
        "elixir: '1.15' is no version requirement",
        REQUIRED_AT,
        'write one such as "~> 1.15"',
    ),
    Refused(
        lambda: settle(tool_versions="elixir 1.99\n"),
        ProjectError,
        ".tool-versions:1 asks for Elixir 1.99, of which relbuild knows no release",
        Mark(TOOLS, 1, 8),
        f"write the whole version; relbuild knows {LINES}",
    ),
    Refused(
        lambda: settle("elixir: '1.99'\n"),
        ConfigError,
        "relbuild.yml:1 asks for Elixir 1.99, of which relbuild knows no release",
        Mark(CONFIG, 1, 9),
        f"write the whole version; relbuild knows {LINES}",
    ),
    Refused(
        lambda: settle(tool_versions="elixir 1.11.4\nerlang 22\n"),
        ProjectError,
        "relbuild knows no image with OTP 22 (.tool-versions:2)",
        Mark(TOOLS, 2, 8),
        "write a whole version; relbuild knows 23.3.4.20, 24.3.4.17, 25.3.2.21, 26.2.5.21, 27.3.4.18, 28.5.0.7, 29.1.1",
    ),
    Refused(
        lambda: settle("debian: trixie\n", tool_versions="elixir 1.14.0\nerlang 24.1.7\n"),
        ProjectError,
        "there is no image with OTP 24.1.7 (.tool-versions:2) on Debian trixie, where OTP 24.2 is the oldest",
        Mark(TOOLS, 2, 8),
        "request a newer OTP, or write debian: bullseye in relbuild.yml",
    ),
    Refused(
        lambda: settle("debian: forky\n"),
        ConfigError,
        "toolchain: hexpm has nothing for Debian forky (relbuild.yml:1)",
        Mark(CONFIG, 1, 9),
        "it has trixie, bookworm, bullseye",
    ),
    Refused(
        lambda: settle("debian: trixie\nrunner: {base: 'debian:bookworm-slim'}\n"),
        ConfigError,
        "runner.base debian:bookworm-slim is Debian bookworm, the builder is trixie",
        Mark(CONFIG, 2, 16),
        "take an image of trixie, or write debian: bookworm; their glibc and OpenSSL differ",
    ),
    Refused(
        lambda: settle("toolchain: debian\nelixir: 1.17.2\n"),
        ConfigError,
        "relbuild.yml:2 asks for Elixir 1.17.2, Debian trixie has 1.18.3",
        Mark(CONFIG, 2, 9),
        "leave it out, or write toolchain: hexpm; Debian has: bookworm 1.14.0, trixie 1.18.3, forky 1.20.4, sid 1.20.4",
    ),
    Refused(
        lambda: settle("toolchain: debian\n", "~> 1.19"),
        ProjectError,
        "mix.exs:8 (~> 1.19) does not allow Elixir 1.18.3, which Debian trixie has",
        REQUIRED_AT,
        "write toolchain: hexpm or debian: forky (1.20.4) or debian: sid (1.20.4) in relbuild.yml",
    ),
    Refused(
        lambda: settle("toolchain: official\ndebian: trixie\n", tool_versions="erlang 27\n"),
        ConfigError,
        "relbuild.yml:2 asks for Debian trixie, elixir:1.20.3-otp-27-slim is bookworm",
        Mark(CONFIG, 2, 9),
        "write debian: bookworm, or toolchain: hexpm, which has both",
    ),
    Refused(
        lambda: settle("toolchain: hexpm\n", tool_versions="elixir main\n"),
        ProjectError,
        ".tool-versions:1 asks for main; toolchain: hexpm has released versions only",
        Mark(TOOLS, 1, 8),
        "write toolchain: source, or a version such as elixir: 1.18.4, in relbuild.yml",
    ),
    Refused(
        lambda: settle("toolchain: image\nbuilder: {image: 'acme/elixir:1.18'}\n"),
        ConfigError,
        "builder.image acme/elixir:1.18 does not tell its Debian, which the runner must share",
        Mark(CONFIG, 2, 18),
        "write debian: trixie, or what it is",
    ),
    Refused(
        lambda: settle("debian: trixie\nbuilder: {image: 'acme/elixir:1.18-bookworm'}\n"),
        ConfigError,
        "relbuild.yml:1 asks for Debian trixie, builder.image acme/elixir:1.18-bookworm is bookworm",
        Mark(CONFIG, 1, 9),
        "they must be the same: a release runs on the Debian it was built on",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.message)
def test_what_does_not_go_together_is_refused(case: Refused) -> None:
    with pytest.raises(RelbuildError) as caught:
        case.ask()
    (problem,) = caught.value.problems
    assert (type(caught.value), problem.message, problem.at, problem.hint) == (
        case.error,
        case.message,
        case.at,
        case.hint,
    )


# Elixir's "Compatibility and deprecations", the first and the last OTP of each, and the patch that took up one more.
PAIRS = {
    "1.14.0": (23, 25),
    "1.14.5": (23, 26),
    "1.15.8": (24, 26),
    "1.16.3": (24, 26),
    "1.17.3": (25, 27),
    "1.18.3": (25, 27),
    "1.18.4": (25, 28),
    "1.19.6": (26, 28),
    "1.20.4": (27, 29),
}


@pytest.mark.parametrize(("elixir", "otp"), [(elixir, otp) for elixir in PAIRS for otp in range(24, 31)])
def test_a_pair_is_taken_only_when_elixir_supports_it(elixir: str, otp: int) -> None:
    first, last = PAIRS[elixir]
    if first <= otp <= last:
        found = settle(elixir_version=elixir, erlang_version=f"{otp}.2.1")
        assert found.builder_image.startswith(f"hexpm/elixir:{elixir}-erlang-{otp}.2.1-debian-")
    else:
        with pytest.raises(ProjectError):
            settle(elixir_version=elixir, erlang_version=f"{otp}.2.1")


@given(st.sampled_from(sorted(ELIXIR_NEWEST)), st.data())
def test_the_otp_that_is_chosen_is_one_that_elixir_supports(line: str, data: st.DataObject) -> None:
    elixir = f"{line}.{data.draw(st.integers(0, ELIXIR_NEWEST[line]))}"
    version = Version.parse(elixir)
    assert version is not None
    majors = supported(version)
    assert majors is not None
    try:
        found = settle(elixir_version=elixir)
    except ProjectError:
        assert max(majors) < 24
    else:
        assert found.otp is not None
        assert int(found.otp.value.partition(".")[0]) in range(ELIXIR_OTP[line].first, max(majors) + 1)


def test_an_image_found_in_the_index_takes_the_place_of_the_one_put_together() -> None:
    found = settle(elixir_version="1.18.2", erlang_version="27.2.1")
    better = HexpmTag("1.18.2", "27.2.1", "bookworm", "20250203")
    moved = found.with_tag(better, "found in the index")
    assert (moved.builder_image, moved.runner_image, said(moved.debian), moved.notes) == (
        "hexpm/elixir:1.18.2-erlang-27.2.1-debian-bookworm-20250203-slim",
        "debian:bookworm-20250203-slim",
        "bookworm from the newest that hexpm's index has for them",
        (*found.notes, "found in the index"),
    )
    assert "libssl3" in moved.runtime_packages


@pytest.mark.parametrize(
    ("config", "locked", "image", "elixir", "otp"),
    [
        # Anything that was asked for in part, and has been chosen once, stays.
        ("", "hexpm/elixir:1.17.3-erlang-26.2.5-debian-bookworm-20260101-slim", None, "1.17.3", "26.2.5"),
        ("elixir: 1.18\notp: 27\n", "hexpm/elixir:1.18.2-erlang-27.3-debian-trixie-20260101", None, "1.18.2", "27.3"),
        ("elixir: main\n", "hexpm/erlang:28.1-debian-trixie-20260101-slim", None, "main", "28.1"),
        # What is no longer asked for does not.
        (
            "elixir: 1.18.4\notp: 27.3.4.16\n",
            "hexpm/elixir:1.18.2-erlang-27.3.4.16-debian-trixie-20260101-slim",
            "hexpm/elixir:1.18.4-erlang-27.3.4.16-debian-bookworm-20260824-slim",
            "1.18.4",
            "27.3.4.16",
        ),
        (
            "elixir: 1.18.4\notp: 27.3.4.16\ndebian: bookworm\n",
            "hexpm/elixir:1.18.4-erlang-27.3.4.16-debian-trixie-20260101-slim",
            "hexpm/elixir:1.18.4-erlang-27.3.4.16-debian-bookworm-20260824-slim",
            "1.18.4",
            "27.3.4.16",
        ),
        (
            "elixir: 1.18.4\notp: 27.3.4.16\ndebian: bookworm\n",
            "acme/elixir:1.18.4",
            "hexpm/elixir:1.18.4-erlang-27.3.4.16-debian-bookworm-20260824-slim",
            "1.18.4",
            "27.3.4.16",
        ),
    ],
)
def test_a_locked_image_is_kept_to_while_it_has_what_is_asked_for(
    config: str, locked: str, image: str | None, elixir: str, otp: str
) -> None:
    found = resolve_toolchain(Files({}), parse(config.encode()), (), locked=locked)
    assert (found.builder_image, found.elixir and found.elixir.value, found.otp and found.otp.value) == (
        image or locked,
        elixir,
        otp,
    )
    if image is None:
        assert not any("table" in note for note in found.notes)


def test_an_image_found_in_the_index_leaves_the_runner_that_was_asked_for() -> None:
    found = settle("runner: {base: 'acme/base:trixie'}\n")
    moved = found.with_tag(HexpmTag("1.20.4", "29.1.1", "trixie", "20261005"), "newer")
    assert (moved.builder_image, moved.runner_image) == (
        "hexpm/elixir:1.20.4-erlang-29.1.1-debian-trixie-20261005-slim",
        "acme/base:trixie",
    )


@pytest.mark.parametrize(
    ("image", "codename"),
    [
        ("debian:trixie-slim", "trixie"),
        ("debian:13.1-slim", "trixie"),
        ("localhost:5000/debian:12", "bookworm"),
        ("acme/elixir:1.18-bookworm-20250101@sha256:0", "bookworm"),
        ("node:20-bullseye-slim", "bullseye"),
        ("acme/elixir:12", None),
        ("acme/trixie", None),
        ("localhost:5000/trixie", None),
        ("debian:latest", None),
        ("ubuntu:noble", None),
        ("acme/app:trixielike", None),
    ],
)
def test_the_debian_release_that_a_tag_names(image: str, codename: str | None) -> None:
    assert image_codename(image) == codename


def test_the_packages_of_each_provider() -> None:
    compiling = ("build-essential", "ca-certificates")
    otp = ("erlang-dev", "erlang-nox")
    assert settle("toolchain: debian").packages == (
        *compiling, "elixir", "erlang-dev", "erlang-hex", "erlang-nox", "git", "rebar3",
    )  # fmt: skip
    assert settle("toolchain: debian", rebar3=False).packages == (
        *compiling, "elixir", "erlang-dev", "erlang-hex", "erlang-nox", "git",
    )  # fmt: skip
    assert "erlang-hex" not in settle("toolchain: debian\ndebian: bookworm\n").packages
    assert settle().packages == settle("toolchain: official").packages == (*compiling, "git")
    assert toolchain_packages("source", "trixie") == (*compiling, "git")
    assert toolchain_packages("source", "trixie", on_debian=True, rebar3=False) == (*compiling, *otp, "git")
    assert toolchain_packages("image", "trixie") == ()


def test_the_libraries_of_the_runner() -> None:
    assert runtime_packages("hexpm", "bookworm") == ("libgcc-s1", "libssl3", "libstdc++6", "libtinfo6", "zlib1g")
    assert settle("toolchain: debian").runtime_packages == (
        "libgcc-s1", "libssl3t64", "libstdc++6", "libsystemd0", "libtinfo6", "zlib1g",
    )  # fmt: skip
    on_debian = "toolchain: source\nelixir: main\nbuilder: {image: 'debian:trixie-slim'}\n"
    assert settle(on_debian).runtime_packages == settle("toolchain: debian").runtime_packages


words = [
    "elixir",
    "erlang",
    " ",
    "\n",
    "1.18.4",
    "1.18",
    "-otp-27",
    "27",
    "27.3.4",
    "ref:",
    "main",
    "latest",
    "system",
    "=",
    "#",
]
assignments = [
    "elixir_version=",
    "erlang_version=",
    "(branch main)",
    "(",
    ")",
    "'",
    '"',
    "[tools]\n",
    "elixir='1.18'\n",
    "{",
    "}",
]


@given(
    st.dictionaries(
        st.sampled_from(FILES),
        st.binary(max_size=60)
        | st.lists(st.sampled_from(words + assignments), max_size=14).map("".join).map(str.encode),
        max_size=3,
    ),
    st.sampled_from(
        ["", "toolchain: debian", "toolchain: official", "toolchain: source", "builder: {image: 'a/b:trixie'}"]
    ),
    st.none() | st.just("~> 1.15") | st.text(max_size=12),
)
def test_any_bytes_give_a_toolchain_or_an_error_with_its_place(
    files: dict[str, bytes], config: str, requires: str | None
) -> None:
    fact = () if requires is None else (Known(requires, REQUIRED_AT),)
    try:
        found = resolve_toolchain(Files(dict(files)), parse(config.encode()), fact)
    except ProjectError as error:
        places = [problem.at and problem.at.file for problem in error.problems]
    else:
        places = ["mix.exs"]
        assert found.debian.value in found.runner_image
        assert all("\n" not in text and " " not in text for text in (found.builder_image, found.runner_image))
    assert set(places) <= {*FILES, "mix.exs"}


def test_the_newest_is_the_newest_of_what_fits() -> None:
    found = settle("otp: '25'", tool_versions="elixir latest\n")
    assert found.elixir is not None
    assert found.elixir.value == "1.18.5"
    assert ".tool-versions:1 asks for Elixir latest: 1.18.5 is the newest in relbuild's table that fits" in found.notes


@pytest.mark.parametrize(
    ("otp", "image"),
    [
        ("23", "hexpm/elixir:1.14.0-erlang-23.3.4.20-debian-bullseye-"),
        ("23.3.4.1", "hexpm/elixir:1.14.0-erlang-23.3.4.1-debian-bullseye-"),
        ("24.1.7", "hexpm/elixir:1.14.0-erlang-24.1.7-debian-bullseye-"),
        ("24.2", "hexpm/elixir:1.14.0-erlang-24.2-debian-trixie-"),
    ],
)
def test_an_old_otp_is_on_the_newest_debian_that_has_it(otp: str, image: str) -> None:
    tools = settle(tool_versions=f"elixir 1.14.0\nerlang {otp}\n")
    assert tools.builder_image.startswith(image)
    assert tools.debian.value in image
