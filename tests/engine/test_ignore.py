"""What relbuild takes to be left out of a build's context is what the engine leaves out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from relbuild.image.plan.sources import is_excluded

PATHS = (
    "a.ex", "a.pem", ".env", ".env.prod", "x.env", "lib/a.ex", "lib/a.pem", "lib/test/a.ex", "test/a.exs",
    "test/sub/b.exs", "apps/web/test/a.exs", "apps/web/lib/test.ex", "apps/web/_build/x", "_build/x",
    "node_modules/a/b.js", "assets/node_modules/a.js", "priv/[a]/b.pem", "priv/a/b.pem",
    "deep/er/and/deep/er/a.key", "weird *name", "a+b(c)", ".npmrc", "assets/.npmrc", "$dollar", "back/deps/x",
    "deps/x/mix.exs", "érable/a",
)  # fmt: skip
PATTERNS = (
    "_build/", "**/_build/", "**/node_modules", "/deps", "test/", "**/test/", "apps/*/test/", ".env*", "**/*.env",
    "**/*.pem", "**/*.key", "!lib/a.pem", "!priv/a/b.pem", r"!priv/\[a\]/b.pem", "priv/[a-c]/**", "priv/[^b]/", "*",
    "!lib/", "lib/*.ex", "**", "!apps", "./a.ex", "a?ex", r"weird \*name", "weird*", "**/.npmrc", "!assets/.npmrc",
    "deep/**/er/a.key", "a+b(c)", "$dollar", "er*", "**/deps/", "deep", "!deep/er/and", ".env.prod",
)  # fmt: skip


def test_the_engine_leaves_out_what_relbuild_takes_to_be_left_out(docker: Any, tmp_path: Path) -> None:
    context = tmp_path / "context"
    for path in PATHS:
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_text("")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    chosen = random.Random(3)
    for number in range(12):
        patterns = chosen.sample(PATTERNS, chosen.randint(1, 6))
        (tmp_path / "Dockerfile.dockerignore").write_text("\n".join(patterns) + "\n")
        out = tmp_path / f"out{number}"
        docker(
            "buildx", "build", "--quiet", "--output", f"type=local,dest={out}", "--file", str(dockerfile), str(context)
        )
        copied = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
        assert copied == {path for path in PATHS if not is_excluded(patterns, path)}, patterns
