"""What relbuild's images cost beside the Dockerfile that Phoenix generates, built in turn, from equal sources.

    python bench/image.py [ROUNDS] [--quick]

Builds the application of bench/project.py with `relbuild image`, as users call it, verification included, and with
bench/conventional.Dockerfile, both from one image with Elixir and from a Hex repository on loopback. The medians
are compared as ratios, printed, and written with a plot to bench/RESULTS.md. --quick is one round, to try it out; it
writes to the directory that --to names, or nowhere.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bed
import engine
import report
from bed import Bed
from engine import Timed
from report import Row

OURS, THEIRS, ALONE = "relbuild", "conventional", "docker buildx build"
HERE = Path(__file__).resolve().parent
RELBUILD = (sys.executable, "-m", "relbuild")
COLD, NOTHING, README = "cold", "nothing changed", "README.md"


def replaced(bed: Bed, path: str, pattern: str, by: str) -> tuple[str, str]:
    """Return a file of the application with its new text."""
    text, count = re.subn(pattern, by, (bed.theirs / path).read_text())
    assert count == 1, f"{path} has not one {pattern}"
    return path, text


@dataclass(frozen=True, slots=True)
class Case:
    """A step of everyday work: `change` gives the file it writes, new each time, by the number of the round."""

    name: str
    most: float
    meaning: str
    change: Callable[[Bed, int], tuple[str, str]] | None = None


CASES = (
    Case(NOTHING, 0.4, "The same sources once more: relbuild compares their contents and reuses the image."),
    Case(
        "one line in one module",
        0.45,
        "One line of one of the application's modules.",
        lambda bed, n: replaced(bed, f"lib/store/catalog/item{n}.ex", r"(?<=:bad_line, )\d+", str(n + 1000)),
    ),
    Case(
        "a template",
        0.45,
        "A line of a template, which is compiled into the module that embeds it.",
        lambda bed, n: replaced(bed, f"lib/store_web/pages/page{n}/show.html.eex", r"(?<=</h1>)", f"<i>{n}</i>"),
    ),
    Case(
        "a migration",
        0.45,
        "A new file in priv/repo/migrations.",
        lambda _, n: (f"priv/repo/migrations/{20300000000000 + n}_more.exs", f"defmodule M{n} do\nend\n"),
    ),
    Case(
        "app.js",
        0.70,
        "A line of assets/js/app.js, which esbuild bundles.",
        lambda bed, n: replaced(bed, "assets/js/app.js", r"(?<=longPoll: )\d+", str(n + 3000)),
    ),
    Case(
        "runtime.exs",
        0.60,
        "A key in config/runtime.exs, which is read when the release starts.",
        lambda bed, n: replaced(bed, "config/runtime.exs", r"(?:, change: \d+)?\n$", f", change: {n}\n"),
    ),
    Case(
        "version: in mix.exs",
        0.10,
        "The project's own version, and nothing else.",
        lambda bed, n: replaced(bed, "mix.exs", r'(?<=version: ")[^"]*', f"0.1.{n}"),
    ),
    Case(
        "config.exs",
        0.18,
        "The value of a key of the application in config/config.exs.",
        lambda bed, n: replaced(bed, "config/config.exs", r'(?<=greeting: ")[^"]*', f"hello {n}"),
    ),
    Case(
        "one dependency bumped",
        0.20,
        "`mix deps.update` of one dependency on which no other depends, but modules of the application.",
        lambda bed, n: ("mix.lock", bed.lock(n + 1)),
    ),
    Case(README, 0.4, "A file that nothing of the build reads.", lambda _, n: ("README.md", f"# Store {n}\n")),
)
# Rows that are compared with docker buildx alone, where nothing is built, in seconds more.
UNBUILT = (NOTHING, README)
# Cases whose new layers are counted, with the greatest ratio to the conventional ones.
COUNTED = {"one line in one module": 0.01, "one dependency bumped": 0.10}


@dataclass(slots=True)
class Measured:
    """All that was measured: each build by its case and tool, new layers in bytes, and seconds to the first answer."""

    builds: dict[tuple[str, str], list[Timed]] = field(default_factory=lambda: defaultdict(list))
    new: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[str, int] = field(default_factory=dict)


def build(bed: Bed, tool: str, *options: str, name: str = "") -> Timed:
    """Build the application's image with a tool, and return how long it took."""
    tag = bed.tag(name or tool.split()[0])
    buildx = ("docker", "buildx", "build", "--load", "--provenance=false", "--network", "host", "--tag", tag)
    dockerfile = ("--file", str(HERE / "conventional.Dockerfile"), "--build-arg", f"BUILDER_IMAGE={bed.builder}")
    argv, directory = {
        OURS: ((*RELBUILD, "image", *options, "-t", tag), bed.ours),
        THEIRS: ((*buildx, *dockerfile, *options, "."), bed.theirs),
        ALONE: ((*buildx, "."), bed.alone),
    }[tool]
    done = engine.timed(argv, directory, XDG_CACHE_HOME=str(bed.work / "cache"))
    bed.images.add(engine.docker("image", "inspect", "--format", "{{.Id}}", tag))
    return done


def in_turn(number: int) -> tuple[str, str]:
    """Return the two tools, another one first each time."""
    return (OURS, THEIRS) if number % 2 else (THEIRS, OURS)


def cold(bed: Bed, measured: Measured, rounds: int) -> None:
    """Measure builds without a cache."""
    for number in range(rounds):
        for tool in in_turn(number):
            say(f"{COLD}, {tool}, {number + 1} of {rounds}")
            option = "--clean" if tool == OURS else "--no-cache"
            measured.builds[COLD, tool].append(build(bed, tool, option))


def warm(bed: Bed) -> None:
    """Fill the caches with an everyday build, of another dependency and other code."""
    say("warming up")
    for case in CASES:
        if case.name in COUNTED:
            change(bed, case, 0)
    for tool in (OURS, THEIRS):
        build(bed, tool)


def change(bed: Bed, case: Case, number: int) -> None:
    """Change the application in the same way for both tools."""
    if case.change:
        path, text = case.change(bed, number)
        for directory in (bed.ours, bed.theirs):
            (directory / path).write_text(text)


def everyday(bed: Bed, measured: Measured, number: int) -> None:
    """Measure every case once, in a round with this number."""
    for index, case in enumerate(CASES):
        say(f"round {number}, {case.name}")
        before = {tool: layers(bed, tool) for tool in (OURS, THEIRS)} if case.name in COUNTED else {}
        change(bed, case, number)
        for tool in in_turn(number + index):
            measured.builds[case.name, tool].append(build(bed, tool))
        for tool, had in before.items():
            now = layers(bed, tool)
            measured.new[case.name, tool].append(sum(size for digest, size in now.items() if digest not in had))
        if case.name == NOTHING:
            alone(bed)
            measured.builds[NOTHING, ALONE].append(build(bed, ALONE))


def layers(bed: Bed, tool: str) -> dict[str, int]:
    """Return the layers of a tool's newest image, with their compressed sizes."""
    return engine.layers(bed.tag(tool), bed.registry)


def alone(bed: Bed) -> None:
    """Build relbuild's own Dockerfile, written beside the same sources, without relbuild."""
    shutil.rmtree(bed.alone, ignore_errors=True)
    shutil.copytree(bed.ours, bed.alone)
    engine.timed((*RELBUILD, "dockerfile", "--write"), bed.alone)
    build(bed, ALONE)


def sizes_and_starts(bed: Bed, measured: Measured, starts: int) -> None:
    """Measure the images' sizes, compressed, and how soon they answer."""
    ours, theirs = layers(bed, OURS), layers(bed, THEIRS)
    measured.sizes |= {OURS: sum(ours.values()), THEIRS: sum(theirs.values())}
    measured.sizes["shared"] = sum(size for digest, size in ours.items() if digest in theirs)
    say("docker run")
    for number in range(starts):
        for tool in in_turn(number):
            measured.answers[tool].append(engine.first_answer(bed.tag(tool), bed.labels))
    say("minimal")
    with (bed.ours / "relbuild.yml").open("a") as config:
        config.write("runner: {base: minimal}\n")
    build(bed, OURS, name="minimal")
    measured.sizes["minimal"] = sum(layers(bed, "minimal").values())


def rows(measured: Measured) -> tuple[Row, ...]:
    """Return the table: the median of each case, with the limit it has to hold."""

    def seconds(case: str, tool: str) -> float:
        return statistics.median(each.seconds for each in measured.builds[case, tool])

    def timed_row(name: str, most: float, meaning: str) -> Row:
        phases = report.split(measured.builds[name, OURS])
        building = phases.before + phases.build if phases.build else 0.0
        return Row(name, seconds(name, OURS), seconds(name, THEIRS), "s", most, meaning, building)

    def sized_row(name: str, what: str, most: float, meaning: str) -> Row:
        return Row(name, measured.sizes[what], measured.sizes[THEIRS], "bytes", most, meaning)

    docker = seconds(NOTHING, ALONE)
    found = [timed_row(COLD, 0.85, report.COLD_MEANING)]
    for case in CASES:
        if case.name in UNBUILT:
            meaning = f"{case.meaning} {report.ALONE_MEANING}"
            found.append(Row(case.name, seconds(case.name, OURS), docker, "s more", case.most, meaning))
        else:
            found.append(timed_row(case.name, case.most, case.meaning))
    for name, most in COUNTED.items():
        ours, theirs = (statistics.median(measured.new[name, tool]) for tool in (OURS, THEIRS))
        found.append(Row(f"new layers: {name}", ours, theirs, "bytes", most, report.NEW_MEANING))
    found.append(
        sized_row("image, slim", OURS, 0.80, report.SLIM_MEANING.format(shared=measured.sizes["shared"] / 1000))
    )
    found.append(sized_row("image, minimal", "minimal", 0.35, report.MINIMAL_MEANING))
    answers = (statistics.median(measured.answers[tool]) for tool in (OURS, THEIRS))
    found.append(Row("docker run to first answer", *answers, "s", 1.0, report.ANSWER_MEANING))
    return tuple(found)


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> int:
    """Print the table and write RESULTS.md; return 1 when a row misses its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round; RESULTS.md stays as it is")
    parser.add_argument("--to", type=Path, help="where RESULTS.md goes, if not beside this program")
    asked = parser.parse_args()
    rounds, starts = (1, 3) if asked.quick else (asked.rounds, max(10, asked.rounds))
    # A run that is terminated removes what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    measured = Measured()
    with bed.made(rounds + 1) as made:
        cold(made, measured, rounds)
        warm(made)
        for number in range(1, rounds + 1):
            everyday(made, measured, number)
        sizes_and_starts(made, measured, starts)
        facts = report.facts(made.builder, made.labels)
    table = rows(measured)
    splits = {name: report.split(measured.builds[name, OURS]) for name in (COLD, *(case.name for case in CASES))}
    print(report.text(table, facts, rounds, starts), report.split_text(splits), sep="\n\n")
    directory = asked.to or (None if asked.quick else HERE)
    if directory:
        report.write(directory, table, splits, facts, rounds, starts)
    return int(not all(row.held for row in table))


if __name__ == "__main__":
    sys.exit(main())
