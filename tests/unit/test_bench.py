"""bench/: what is measured becomes ratios, says what is missed, and is drawn."""

from __future__ import annotations

import importlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
FACTS = {"date": "2030-01-02", "machine": "2 cores", "Elixir": "1.20.4"}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that gives one of bench/'s modules, which stand beside each other on the path."""
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module


def test_a_row_is_held_up_to_its_most(bench: Any) -> None:
    row = bench("report").Row
    rows = (
        row("cold", 8.0, 10.0, "s", 0.80, "", 5.0),
        row("config.exs", 3.0, 10.0, "s", 0.12, ""),
        row("  over docker buildx build", 1.5, 1.0, "s more", 0.4, ""),
        row("new layers", 25_000, 5_000_000, "bytes", 0.01, ""),
    )
    assert [each.held for each in rows] == [True, False, False, True]
    assert [each.cells() for each in rows] == [
        ("cold", "8.00 s", "10.00 s", "0.80", "0.50", "0.80", ""),
        ("config.exs", "3.00 s", "10.00 s", "0.30", "", "0.12", "missed"),
        ("  over docker buildx build", "1.50 s", "1.00 s", "+0.50 s", "", "+0.4 s", "missed"),
        ("new layers", "25 kB", "5,000 kB", "0.005", "", "0.01", ""),
    ]


def test_the_split_is_read_off_the_lines_of_the_builds(bench: Any) -> None:
    timed, report = bench("engine").Timed, bench("report")

    def one(more: float) -> Any:
        lines = (
            (0.5, "warning: something"),
            (1.0, "[build 1/2] COPY lib/ lib/"),
            (1.1, "[build 1/2]: done in 0.1 s"),
            (3.0 + more, f"[build 2/2]: done in {1.9 + more:.1f} s"),
            (67.0 + more, "[deps 1/1]: done in 1:04 min"),
            (68.0 + more, "exporting to image: done in 0.5 s"),
            (70.5 + more, "size: 40.2 MB"),
        )
        return timed(71.0 + more, lines)

    found = report.split((one(0.0), one(1.0), one(2.0)))
    assert (found.before, found.build, found.after) == (1.0, 68.0, 3.0)
    assert found.steps == (("[deps 1/1]", 64.0), ("[build 2/2]", 2.9), ("exporting to image", 0.5))


def test_a_build_of_nothing_new_has_no_steps(bench: Any) -> None:
    found = bench("report").split((bench("engine").Timed(0.3, ((0.2, "nothing has changed"),)),))
    assert (found.before, found.build, found.after, found.steps) == (0.3, 0.0, 0.0, ())


def test_what_is_missed_is_said_with_its_reason(bench: Any, tmp_path: Path) -> None:
    report = bench("report")
    rows = (
        report.Row("cold", 8.0, 10.0, "s", 0.80, "All."),
        report.Row("config.exs", 3.0, 10.0, "s", 0.12, "A key."),
        report.Row("a migration", 4.0, 10.0, "s", 0.35, "A file.", 3.0),
    )
    splits = {"cold": report.Split(0.5, 7.0, 0.5, (("[build 1/1]", 6.0),))}
    report.write(tmp_path, rows, splits, FACTS, 5, 10)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| cold | 8.00 s | 10.00 s | 0.80 |  | 0.80 | yes |" in text
    assert "| config.exs | 3.00 s | 10.00 s | 0.30 |  | 0.12 | **missed** |" in text
    assert f"- **config.exs**: {report.UNKNOWN}" in text
    assert "| a migration | 4.00 s | 10.00 s | 0.40 | 0.30 | 0.35 | **missed** |" in text
    assert f"- **a migration**: {report.TRIED}" in text
    assert "| cold | 0.50 | 7.00 | 0.50 | [build 1/1] 6.0 |" in text
    drawing = ET.fromstring((tmp_path / "results.svg").read_text())
    assert [bar.get("class") for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")] == ["bar", "missed", "missed"]

    report.write(tmp_path, rows[:1], splits, FACTS, 5, 10)
    assert "All is held." in (tmp_path / "RESULTS.md").read_text()


def test_the_results_end_with_the_table_of_a_real_application(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = bench("report")
    monkeypatch.setattr(report, "REAL", tmp_path / "phoenix.md")
    report.write(tmp_path, (report.Row("cold", 8.0, 10.0, "s", 0.80, "All."),), {}, FACTS, 5, 10)
    without = (tmp_path / "RESULTS.md").read_text()
    (tmp_path / "phoenix.md").write_text("## A real application\n\n2030-01-02\n")
    report.write(tmp_path, (report.Row("cold", 8.0, 10.0, "s", 0.80, "All."),), {}, FACTS, 5, 10)
    assert (tmp_path / "RESULTS.md").read_text() == f"{without}\n## A real application\n\n2030-01-02\n"


def test_the_application_has_the_shape_of_phoenix(bench: Any, tmp_path: Path) -> None:
    project = bench("project")
    root = project.write_application(tmp_path / "store")
    assert "Mix.Project.build_path()" in (root / "config" / "config.exs").read_text()
    for number in range(project.PAGES):
        page = (root / f"lib/store_web/pages/page{number}.ex").read_text()
        assert "use StoreWeb, :page" in page
        assert (root / f"lib/store_web/pages/page{number}/show.html.eex").is_file()
    every = {*project.dependency_names(), *(name for name, _ in project.written_packages())}
    requested = set(re.findall(r"\{:(\w+), \"~>", (root / "mix.exs").read_text()))
    assert requested <= every
    assert {name for name, _ in project.written_packages()} <= requested


def test_every_change_is_new_and_of_one_file(bench: Any, tmp_path: Path) -> None:
    image, bed, project = bench("image"), bench("bed"), bench("project")
    made = bed.Bed("run", tmp_path, "builder", "registry")
    project.write_application(made.theirs)
    (tmp_path / "locks").mkdir()
    for number in range(4):
        (tmp_path / "locks" / str(number)).write_text(f"lock {number}")
    for case in image.CASES:
        if case.change:
            first, second = case.change(made, 1), case.change(made, 2)
            assert first != second, case.name
            assert not (made.theirs / first[0]).exists() or (made.theirs / first[0]).read_text() != first[1]
