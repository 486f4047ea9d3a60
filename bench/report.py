"""The measurements as a table for the terminal, as RESULTS.md, and as a plot."""

from __future__ import annotations

import datetime
import os
import platform
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import Timed, docker

COLD_MEANING = (
    "Nothing of an earlier build: `relbuild image --clean` beside `docker build --no-cache`. The base images and the "
    "image with Elixir are there."
)
ALONE_MEANING = "Compared with `docker buildx build` of relbuild's own Dockerfile, which finds every step in its cache."
NEW_MEANING = "Layers that the image before did not have, compressed, as they are pushed to a registry."
SLIM_MEANING = (
    "All layers of the image, compressed, as they are pushed to a registry; {shared:,.0f} kB are Debian's, in both."
)
MINIMAL_MEANING = "The same with `runner: {base: minimal}`, beside the same conventional image."
ANSWER_MEANING = "From `docker run` to the first 200 over HTTP."

# Measured by hand on a real Phoenix application; a section of RESULTS.md.
REAL = Path(__file__).with_name("phoenix.md")

# Why a row misses its limit, where it is known.
OBSTACLES = {
    "cold": "Both run the same compiler on the same modules, which keeps every core busy.",
    "docker run to first answer": "The same ERTS starts the same modules.",
    "image, slim": "Both are based on Debian's slim image; `runner: {base: minimal}` is without it.",
}
# The build alone holds the limit.
TRIED = "The build alone holds it; the rest is the trial of the new image, which the conventional build leaves out."
UNKNOWN = "The table of steps below shows where the time goes."


@dataclass(frozen=True, slots=True)
class Row:
    """One case: what relbuild and the conventional build took, and the limit of their ratio or difference.

    ``building`` are the seconds until the engine had relbuild's image, before its trial.
    """

    name: str
    ours: float
    theirs: float
    unit: str
    most: float
    meaning: str
    building: float = 0.0

    @property
    def value(self) -> float:
        """Return the ratio; for a row in seconds more, the difference."""
        return self.ours - self.theirs if self.unit == "s more" else self.ours / self.theirs

    @property
    def held(self) -> bool:
        return self.value <= self.most

    def cells(self) -> tuple[str, ...]:
        """Return the row as it is printed."""
        more = self.unit == "s more"
        return (
            self.name,
            self._amount(self.ours),
            self._amount(self.theirs),
            f"{self.value:+.2f} s" if more else _ratio(self.value),
            _ratio(self.building / self.theirs) if self.building else "",
            f"{self.most:+.1f} s" if more else f"{self.most:.2f}",
            "" if self.held else "missed",
        )

    def _amount(self, amount: float) -> str:
        return f"{amount / 1000:,.0f} kB" if self.unit == "bytes" else f"{amount:.2f} s"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


@dataclass(frozen=True, slots=True)
class Split:
    """Where the time of relbuild's builds goes, in seconds, as medians; `steps` are the longest of the build."""

    before: float
    build: float
    after: float
    steps: tuple[tuple[str, float], ...]


HEAD = ("case", "relbuild", "conventional", "ratio", "building", "at most", "")
DONE = re.compile(r"(\[[^\]]+\]|exporting to image): done in (?:(\d+):(\d+) min|([\d.]+) s)")


def split(builds: Sequence[Timed]) -> Split:
    """Return where the time of equal builds goes, from the lines of relbuild's progress."""
    parts = [_phases(each) for each in builds]
    steps: dict[str, list[float]] = {}
    for each in builds:
        for _, line in each.lines:
            if match := DONE.fullmatch(line):
                name, minutes, more, seconds = match.groups()
                steps.setdefault(name, []).append(float(seconds or 60 * int(minutes) + int(more)))
    longest = sorted(((statistics.median(times), name) for name, times in steps.items()), reverse=True)
    kept = tuple((name, seconds) for seconds, name in longest[:4] if seconds >= 0.2)
    before, built, after = (statistics.median(each) for each in zip(*parts, strict=True))
    return Split(before, built, after, kept)


def _phases(timed: Timed) -> tuple[float, float, float]:
    """Return the seconds until the build's first line, until its last one, and until the end."""
    at = [when for when, line in timed.lines if re.match(r"\[[^\]]+\]|exporting to image", line)]
    if not at:  # nothing had changed
        return timed.seconds, 0.0, 0.0
    return at[0], at[-1] - at[0], timed.seconds - at[-1]


def facts(builder: str, labels: tuple[str, ...]) -> dict[str, str]:
    """Return the machine and the versions."""
    script = 'IO.write(System.version() <> " on OTP " <> System.otp_release())'
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, Linux {platform.release()}",
        "Docker Engine": docker("version", "--format", "{{.Server.Version}}")
        + (", containerd image store" if "containerd" in docker("info", "--format", "{{.DriverStatus}}") else ""),
        "buildx": docker("buildx", "version").split()[1],
        "Elixir": docker("run", "--rm", *labels, builder, "elixir", "-e", script),
        "Python": platform.python_version(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def text(table: Sequence[Row], facts: Mapping[str, str], rounds: int, starts: int) -> str:
    """Return the table for a terminal."""
    lines = [_made_by(facts, rounds, starts), ""]
    for cells in (HEAD, *(row.cells() for row in table)):
        name, *numbers, note = cells
        lines.append(" ".join((f"{name:<36}", *(f"{number:>12}" for number in numbers), note)).rstrip())
    return "\n".join(lines)


def split_text(splits: Mapping[str, Split]) -> str:
    """Return for a terminal where relbuild's time goes."""
    lines = [f"{'relbuild, s':<36} {'before':>7} {'build':>7} {'after':>7}  longest steps"]
    for name, each in splits.items():
        seconds = f"{each.before:>7.2f} {each.build:>7.2f} {each.after:>7.2f}"
        lines.append(f"{name:<36} {seconds}  {_steps(each)}")
    return "\n".join(lines)


def _steps(split: Split) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in split.steps)


def _made_by(facts: Mapping[str, str], rounds: int, starts: int) -> str:
    versions = "; ".join(f"{name} {value}" for name, value in facts.items() if name not in ("date", "machine"))
    return f"{facts['date']}, {facts['machine']}; {versions}. Medians of {rounds}, of the starts {starts}."


def write(
    directory: Path,
    table: Sequence[Row],
    splits: Mapping[str, Split],
    facts: Mapping[str, str],
    rounds: int,
    starts: int,
) -> None:
    """Write RESULTS.md and its plot into the directory."""
    missed = [row for row in table if not row.held]
    lines = [
        "# Images: relbuild beside a conventional Dockerfile",
        "",
        "Written by `make bench` (bench/image.py): do not edit.",
        "",
        _made_by(facts, rounds, starts),
        "",
        "A generated application in the shape of Phoenix's (bench/project.py): 200 modules and 80 templates, assets,",
        "and 29 dependencies, one of them with a NIF. `relbuild image`, which also verifies each new image, and",
        "bench/conventional.Dockerfile, whose steps are those of Phoenix's own, build it in turn. Both start from the",
        "same image with Elixir and take packages from a Hex repository on loopback.",
        "",
        "![The ratios, with their limits](results.svg)",
        "",
        *_markdown(("case", "relbuild", "conventional", "ratio", "building", "at most", "held"), map(_marked, table)),
        "",
        "*Building* is the ratio until the engine has the image, before relbuild verifies it (`--no-verify` leaves",
        "that out). The limit applies to the whole command.",
        "",
        "## What misses its limit" if missed else "All is held.",
        "",
        *(f"- **{row.name.strip()}**: {_obstacle(row)}" for row in missed),
        *([""] if missed else []),
        "## What each row means",
        "",
        *(f"- **{row.name.strip()}**: {row.meaning}" for row in table),
        "",
        "## Where relbuild's time goes",
        "",
        "Seconds before the build's first step, in its steps until the engine has the image, and after them: the trial",
        "of the image, and its tag.",
        "",
        *_markdown(
            ("case", "before", "build", "after", "longest steps"),
            (
                (name, *(f"{each:.2f}" for each in (s.before, s.build, s.after)), _steps(s))
                for name, s in splits.items()
            ),
        ),
        "",
        *([REAL.read_text().rstrip("\n"), ""] if REAL.exists() else []),
    ]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "RESULTS.md").write_text("\n".join(lines))
    (directory / "results.svg").write_text(plot(table))


def _obstacle(row: Row) -> str:
    alone = row.building and row.building / row.theirs <= row.most
    return TRIED if alone else OBSTACLES.get(row.name, UNKNOWN)


def _marked(row: Row) -> tuple[str, ...]:
    name, *numbers, note = row.cells()
    return (name.strip(), *numbers, f"**{note}**" if note else "yes")


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---" if index == 0 or title in ("held", "longest steps") else "---:" for index, title in enumerate(head)]
    return ["| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)]


def plot(table: Sequence[Row]) -> str:
    """Return the ratios as bars, each with a mark at its limit, as SVG that suits light and dark."""
    bars = [row for row in table if row.unit != "s more"]
    widest = max(1.3, *(row.value for row in bars))
    left, width, step = 270, 420, 26
    height = step * len(bars) + 40
    scale = width / widest
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {height}" font-family="sans-serif" '
        'font-size="13" role="img" aria-label="relbuild as a ratio of the conventional Dockerfile">',
        "<style>text{fill:#24292f}.bar{fill:#2f6f9f}.missed{fill:#b35900}.most{stroke:#24292f}.one{stroke:#8c959f}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#58a6ff}.missed{fill:#f0883e}"
        ".most{stroke:#e6edf3}}</style>",
        f'<line class="one" x1="{left + scale:.1f}" y1="8" x2="{left + scale:.1f}" y2="{height - 30}" '
        'stroke-dasharray="3 3"/>',
    ]
    for index, row in enumerate(bars):
        top, most = 10 + index * step, left + row.most * scale
        drawn += [
            f'<text x="{left - 8}" y="{top + 14}" text-anchor="end">{row.name}</text>',
            f'<rect class="{"bar" if row.held else "missed"}" x="{left}" y="{top + 2}" width="{row.value * scale:.1f}" '
            'height="16" rx="2"/>',
            f'<line class="most" x1="{most:.1f}" y1="{top}" x2="{most:.1f}" y2="{top + 20}" stroke-width="2"/>',
            f'<text x="{left + max(row.value, row.most) * scale + 6:.1f}" y="{top + 14}">{row.cells()[3]}</text>',
        ]
    drawn.append(f'<text x="{left}" y="{height - 10}">dashed: the conventional Dockerfile; bold: the limit</text>')
    return "\n".join((*drawn, "</svg>", ""))
