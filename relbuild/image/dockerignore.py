"""What the build must not see: the .dockerignore of a plan."""

from __future__ import annotations

from relbuild import templates
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
PRIV = ("priv/**", "apps/*/priv/**")


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
        public_keys=(),
    )


def render(plan: Plan) -> str:
    """Return the .dockerignore's text."""
    context = plan.sources.context
    theirs = (f"{dep.path}/priv/**" for dep in plan.project.path_deps)
    return templates.render(
        "dockerignore.j2",
        compiled=_everywhere(COMPILED, context.base),
        unrelated=_everywhere(UNRELATED, context.base),
        kept=tuple(context.source(path) for path in plan.sources.kept),
        theirs=tuple(
            f"{context.source(path)}/{name}/" for path in plan.sources.projects for name in ("_build", "deps", "test")
        ),
        secret=SECRET,
        priv=tuple(
            context.source(pattern) for pattern in (*PRIV, *(f"{path}/priv/**" for path in plan.sources.projects))
        ),
        public_keys=tuple(context.source(path) for path in plan.builder.access.files),
    )


def _everywhere(patterns: tuple[str, ...], base: str) -> tuple[str, ...]:
    """Return the patterns for the context's root, and for the project where that is another directory."""
    own = (f"{base}/{pattern}" for pattern in patterns if base and not pattern.startswith("**/"))
    return (*patterns, *own)


def file_name(plan: Plan) -> str:
    """Return the name of the ignore file: a context other than the project has its own beside the Dockerfile."""
    return "Dockerfile.dockerignore" if plan.sources.context.base else ".dockerignore"
