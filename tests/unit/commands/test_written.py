"""What inspect and sbom say of the file they were told to write, and that a dry run writes none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands import inspect, sbom


@pytest.mark.parametrize(("dry_run", "said"), [(True, "would write "), (False, "")])
def test_a_dry_run_writes_no_bill_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool, said: str
) -> None:
    session: Any = SimpleNamespace(dry_run=dry_run, note=print)
    image: Any = SimpleNamespace(id="")
    content: Any = SimpleNamespace(files=None, read=None)
    for module in (inspect, sbom):
        monkeypatch.setattr(module, "look_into", lambda *_: (image, content))
    monkeypatch.setattr("relbuild.image.inspect.page.render", lambda *_: "page")
    monkeypatch.setattr("relbuild.commands.inspect.to_data", lambda *_: {})
    monkeypatch.setattr("relbuild.commands.sbom.debian_packages", lambda *_: ())
    monkeypatch.setattr("relbuild.commands.sbom.make_bill", lambda *_: SimpleNamespace(notes=(), document={}))
    page, bill = str(tmp_path / "page"), str(tmp_path / "bill")
    inspected = inspect.inspect(session, "shop:1", None, page)
    billed = sbom.sbom(session, "shop:1", bill)
    assert (inspected.text(), billed.text()) == (f"{said}{page}", f"{said}{bill}")
    named = (None, None) if dry_run else (page, bill)
    assert (inspected.data()["page"], billed.data()["file"]) == named
    assert sorted(path.name for path in tmp_path.iterdir()) == ([] if dry_run else ["bill", "page"])
