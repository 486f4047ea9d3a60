"""Draw docs/build.svg: what a terminal shows at the end of `relbuild image` on examples/shop. Needs an engine.

python scripts/picture.py
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS, ROWS = 96, 60
COMMAND = ("-m", "relbuild", "image", "-C", str(ROOT / "examples" / "shop"), "-t", "shop:0.1.0")


def main() -> None:
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    terminal = pexpect.spawn(sys.executable, [*COMMAND], cwd=str(ROOT), dimensions=(ROWS, COLUMNS), timeout=900)
    while True:
        try:
            stream.feed(terminal.read_nonblocking(65536, timeout=900))
        except pexpect.EOF:
            break
    terminal.close()
    if terminal.exitstatus:
        sys.exit("\n".join(screen.display).rstrip())
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ relbuild image", style="bold"))
    for row in range(screen.cursor.y + 1):
        console.print(_line(screen.buffer[row]), no_wrap=True)
    console.save_svg(str(ROOT / "docs" / "build.svg"), title="relbuild")


def _line(cells: dict[int, pyte.screens.Char]) -> Text:
    line = Text()
    for column in range(COLUMNS):
        cell = cells[column]
        color = cell.fg if cell.fg != "default" else None
        named = {"brown": "yellow"}.get(color or "", color)
        hexadecimal = named is not None and len(named) == 6 and all(each in "0123456789abcdef" for each in named)
        line.append(cell.data, Style(color=f"#{named}" if hexadecimal else named, bold=cell.bold))
    line.rstrip()
    return line


if __name__ == "__main__":
    main()
