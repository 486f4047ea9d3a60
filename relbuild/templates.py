"""relbuild's own templates, with the quoting of the files they make."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from relbuild import cache

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment

_PACKAGE = Path(__file__).parent
# Characters; BuildKit takes no line of more than 64 KiB.
LONGEST_LINE = 16_000


def _lying(name: str) -> Path:
    """Return a directory of templates: in a wheel inside the package, in a checkout at the top."""
    return next(path for path in (_PACKAGE / name, _PACKAGE.parent / name) if path.is_dir())


DIRECTORY = _lying("dockerfiles")
PAGES = _lying("pages")


def render(template: str, **values: object) -> str:
    """Return a template of dockerfiles/ or pages/ filled in; a value it names and doesn't get is an error.

    In a page every value is escaped.
    """
    return _environment().get_template(template).render(**values)


@lru_cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([DIRECTORY, PAGES]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        bytecode_cache=_bytecode_cache(),
    )
    environment.filters.update(
        label=label,
        quoted=quoted,
        run=run,
        exec_form=exec_form,
        copied=copied,
        shell=shlex.quote,
        github=github,
        unexpanded=unexpanded,
    )
    return environment


def _bytecode_cache() -> BytecodeCache | None:
    """Return where compiled templates are kept, where that can be written."""
    from jinja2 import FileSystemBytecodeCache
    from jinja2.bccache import Bucket

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with contextlib.suppress(OSError):  # a full disk: compiled again the next time
                super().dump_bytecode(bucket)

    directory = cache.directory() / "templates"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return Kept(str(directory)) if os.access(directory, os.W_OK) else None


def quoted(value: str) -> str:
    """Return a value as Dockerfile's ENV and LABEL take it literally: in double quotes, nothing expanded."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def github(parts: tuple[str, ...]) -> str:
    """Return an expression of GitHub's workflows, after the text before it if there is any."""
    *text, expression = parts
    return f"{''.join(text)}${{{{ {expression} }}}}"


def label(value: str) -> str:
    """Return a value as LABEL takes it literally; JSON in single quotes, where it reads as it is.

    A line that is longer than BuildKit takes (64 KiB) is continued between two elements.
    """
    if not value.startswith("{") or "'" in value or "\n" in value:
        return quoted(value)
    broken = value.replace("},{", "},\\\n{") if len(value) > LONGEST_LINE else value
    return f"'{broken}'"


def exec_form(argv: tuple[str, ...]) -> str:
    """Return an argv in Dockerfile's exec form, a JSON array."""
    return json.dumps(list(argv), ensure_ascii=False)


def run(commands: str | Sequence[str], mounts: Sequence[str] = (), exports: Sequence[str] = ()) -> str:
    """Return a RUN instruction for shell commands, after the lines that put secrets into its environment.

    Commands that Dockerfile's own syntax would change go into a heredoc, where the first failure ends the step, too.
    """
    options = "".join(f"{mount} \\\n    " for mount in mounts)
    lines = [command.strip("\n") for command in ((commands,) if isinstance(commands, str) else commands)]
    if not any(map(_bent, lines)):
        return f"RUN {options}" + " \\\n    && ".join((*exports, *lines))
    end = "STEP"
    while any(end in line.splitlines() for line in lines):
        end += "_"
    # A blank line after it, which hadolint wants.
    return "\n".join((f"RUN {options}<<'{end}'", "set -e", *exports, *lines, end, ""))


def _bent(command: str) -> bool:
    """Return whether a Dockerfile reads a command otherwise than a shell: its own syntax, or a line that it joins."""
    lines = command.split("\n")
    joined = all(line.endswith("\\") for line in lines[:-1])
    return not joined or command.lstrip().startswith(("[", "-", "<", "#")) or command.endswith("\\") or "<<" in command


def copied(paths: Sequence[str], destination: str) -> str:
    """Return COPY's arguments: names with white space take the JSON form, and every name is taken literally."""
    words = [*(_literal(path) for path in paths), destination]
    words = [f"./{word}" if word.startswith(("-", "#", "<")) else word for word in words]
    if any(character.isspace() for word in words for character in word):
        return exec_form(tuple(unexpanded(word) for word in words))
    return " ".join(unexpanded(word) for word in words)


def _literal(path: str) -> str:
    """Escape what COPY would take for a wildcard (Go's filepath.Match)."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def unexpanded(word: str) -> str:
    """Escape what BuildKit takes for a variable or a quote, which it does inside the JSON form too."""
    return "".join(f"\\{character}" if character in "$'\"\\" else character for character in word)
