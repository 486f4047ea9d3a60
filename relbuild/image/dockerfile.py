"""A plan rendered: the Dockerfile and its .dockerignore, as their owner would write them by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from relbuild import templates
from relbuild.image.assets import Install, NodeStage
from relbuild.image.plan import Builder, Plan

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
    ".env",
    ".env.*",
    "*.env",
    "**/*.pem",
    "**/*.key",
    "**/*.p12",
    ".netrc",
    ".npmrc",
    ".ssh/",
    ".aws/",
    ".docker/",
)

# In the first lines of what relbuild writes, so that it knows its own again.
SIGNATURE = "written by relbuild"

# Every file of the project but what the dependencies' stage and earlier builds have made.
TOUCH = "find . \\( -path ./_build -o -path ./deps -o -name node_modules \\) -prune -o -type f -exec touch {} +"


# phx.digest notes in its manifest when it ran, which only phx.digest.clean looks at: equal assets, equal image.
UNDATED = (
    "find . \\( -path ./_build -o -path ./deps -o -name node_modules \\) -prune \\\n       "
    """-o -path '*/static/cache_manifest.json' -exec sed -i 's/"mtime":[0-9]*/"mtime":0/g' {} +"""
)


def render(plan: Plan) -> str:
    """Return the Dockerfile's text."""
    sources = plan.sources
    return templates.render(
        "Dockerfile.j2",
        release=plan.release.name,
        mix_release=_mix_release(plan),
        touch=TOUCH,
        builder=plan.builder,
        runner=plan.runner,
        runner_template="runner-minimal.j2" if plan.runner.minimal else "runner-slim.j2",
        programs=("bash",) if plan.healthcheck else (),
        asked=tuple(package.partition("=")[0] for package in plan.runner.asked_packages),
        applications=plan.applications,
        manifests=_by_directory(sources.manifests),
        compile_config=_by_directory(sources.compile_config),
        files=sources.files,
        directories=sources.directories,
        late=sources.late,
        has_deps=plan.has_dependencies,
        apart=bool(sources.late or plan.builder.steps.after_compile or plan.assets.commands),
        compile=_compile(plan),
        asset_comment=bool(plan.assets.commands),
        asset_setup=plan.assets.setup,
        node=plan.assets.node,
        node_in_build=_copies_node(plan.assets.node),
        installs=_installs(plan),
        locked=sources.lockfile,
        mounts=mounts(plan.builder),
        secrets=plan.builder.secrets,
        build_mounts=(_build_cache(plan), *mounts(plan.builder)),
        healthcheck=_healthcheck(plan),
        labels=plan.labels,
    )


def render_ignore(plan: Plan) -> str:
    """Return the .dockerignore's text."""
    return templates.render("dockerignore.j2", compiled=COMPILED, unrelated=UNRELATED, secret=SECRET)


def _by_directory(paths: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Group paths for COPY: files by the directory they go to, a directory by itself."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        parent, slash, _ = path.rpartition("/") if not path.endswith("/") else (path.removesuffix("/"), "/", "")
        groups.setdefault(f"{parent}/" if slash else "./", []).append(path)
    return tuple((directory, tuple(files)) for directory, files in groups.items())


def _compile(plan: Plan) -> str:
    """Return what compiles the project and builds its assets, in one go: the cache might be another's in between."""
    commands = [TOUCH, "mix compile", *(_in_shell(command.line) for command in plan.assets.commands)]
    if plan.assets.digests:
        commands.append(UNDATED)
    if any("\n" in command.line.strip("\n") for command in plan.assets.commands):
        return "\n".join(commands)
    return " \\\n    && ".join(commands)


def _in_shell(line: str) -> str:
    """Return a command that leaves the shell after it as it was: in its directory, with its options."""
    line = line.strip("\n")
    return f"(\n{line}\n)" if "\n" in line else line if line.startswith("mix ") else f"({line})"


def _copies_node(node: NodeStage | None) -> bool:
    """Say whether the build needs what the node stage has in /usr/local, and the toolchain doesn't have already."""
    return node is not None and node.in_build and (node.image is not None or bool(node.managers))


def _installs(plan: Plan) -> list[dict[str, object]]:
    node = plan.assets.node
    return [
        {
            "package": install.of.package,
            "copies": _by_directory(install.of.needs),
            "command": install.command,
            "mounts": (_package_cache(install), *mounts(plan.builder)),
        }
        for install in (node.installs if node is not None else ())
    ]


def _package_cache(install: Install) -> str:
    name = install.of.manager.name
    return f"--mount=type=cache,id=relbuild-{name},target={install.cache},sharing=locked"


def mounts(builder: Builder) -> tuple[str, ...]:
    """Return RUN's mounts for what the build is given."""
    ssh = ("--mount=type=ssh",) if builder.ssh else ()
    return (*(f"--mount=type=secret,id={name}" for name in builder.secrets), *ssh)


def _build_cache(plan: Plan) -> str:
    return (
        f"--mount=type=cache,id=relbuild-{plan.release.name}-build,from=deps,source=/src/_build,"
        "target=/src/_build,sharing=locked"
    )


def _mix_release(plan: Plan) -> str:
    name = f" {plan.release.name}" if plan.release.defined else ""
    return f"mix release{name} --path /release"


def _healthcheck(plan: Plan) -> tuple[str, ...] | None:
    """Return a probe that starts no VM and needs nothing but bash."""
    if plan.healthcheck is None:
        return None
    request = f"'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' {shlex.quote(plan.healthcheck.path)}"
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{plan.healthcheck.port} && printf {request} >&3 && read -r status <&3"
        ' && case "$status" in HTTP/*" 2"*) ;; *) exit 1 ;; esac'
    )
    return ("bash", "-c", script)
