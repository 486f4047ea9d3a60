"""What the build must not see: the .dockerignore of a plan."""

from __future__ import annotations

import re
from collections.abc import Iterable

from relbuild import templates
from relbuild.image import ignore
from relbuild.image.plan import Plan

COMPILED = (
    "_build/",
    "**/_build/",
    "deps/",
    "**/node_modules/",
    ".elixir_ls/",
    ".lexical/",
    ".expert/",
    "*.ez",
    "erl_crash.dump",
)
UNRELATED = (
    ".git/",
    ".github/",
    ".gitlab-ci.yml",
    ".dockerignore",
    "Dockerfile*",
    "cover/",
    "doc/",
    "test/",
    "apps/*/test/",
    "tmp/",
    "*.log",
)
SECRET = (
    "**/.env",
    "**/.env.*",
    "**/*.env",
    "**/*.pem",
    "**/*.key",
    "**/*.p12",
    "**/.netrc",
    "**/.npmrc",
    "**/.ssh/",
    "**/.aws/",
    "**/.docker/",
)
# What a project keeps there belongs to its release, certificates too.
PRIV = ("!priv/**", "!apps/*/priv/**")


def render_plain() -> str:
    """Return what is left out of any project's build."""
    return templates.render(
        "dockerignore.j2",
        compiled=COMPILED,
        unrelated=UNRELATED,
        kept=(),
        theirs=(),
        secret=SECRET,
        priv=PRIV,
        named=(),
    )


def render(plan: Plan) -> str:
    """Return the .dockerignore's text."""
    source = plan.sources.context.source
    base = plan.sources.context.base
    groups = {
        "compiled": _everywhere(COMPILED, base),
        "unrelated": _everywhere(UNRELATED, base),
        "kept": tuple(f"!{ignore.literal(source(path))}/" for path in plan.sources.kept),
        "theirs": tuple(
            f"{source(path)}/{name}/" for path in plan.sources.projects for name in ("_build", "deps", "test")
        ),
        "secret": SECRET,
        "priv": (*_everywhere(PRIV, base), *(f"!{source(dep.path)}/priv/**" for dep in plan.project.path_deps)),
    }
    patterns = tuple(pattern for group in groups.values() for pattern in group)
    return templates.render("dockerignore.j2", **groups, named=ignore.kept(patterns, map(source, _named(plan))))


def _named(plan: Plan) -> Iterable[str]:
    """Yield the files that the Dockerfile names."""
    sources = plan.sources
    yield from (*sources.manifests, *sources.compile_config, *sources.files, *sources.beside, *sources.late)
    yield from plan.builder.access.files
    if plan.assets.node is not None:
        yield from (file for install in plan.assets.node.installs for file in install.of.needs)


def _everywhere(patterns: tuple[str, ...], base: str) -> tuple[str, ...]:
    """Return the patterns for the context's root, and for the project where that is another directory."""
    own = (re.sub(r"^!?", rf"\g<0>{base}/", each) for each in patterns if base and not each.startswith("**/"))
    return (*patterns, *own)


def file_name(plan: Plan) -> str:
    """Return the name of the ignore file: a context other than the project has its own beside the Dockerfile."""
    return "Dockerfile.dockerignore" if plan.sources.context.base else ".dockerignore"
