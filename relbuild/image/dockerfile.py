"""A plan rendered: the Dockerfile, as its owner would write it by hand."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable

from relbuild import templates
from relbuild.image import compiling
from relbuild.image.credentials import GIT_CREDENTIALS, HEX_HOME, Secret
from relbuild.image.node_stage import Install, NodeStage
from relbuild.image.plan import Plan
from relbuild.image.sources import Sources
from relbuild.image.stages import Builder
from relbuild.mix.dependencies import NOT_KNOWN

# In the first lines of what relbuild writes, so that it knows its own again.
SIGNATURE = "written by relbuild"
# How a clean build's steps get what makes them unlike those of every other build: below /dev, which is no part of the
# image, so that no directory stays of it.
FRESH_MOUNT = "--mount=type=bind,from=fresh,target=/dev/fresh"


def render(plan: Plan, *, clean: bool = False) -> str:
    """Return the Dockerfile's text; a `clean` one has no caches for what is compiled."""
    sources = plan.sources
    builder = plan.builder
    runtime = plan.narrowing.runtime
    runtime_paths = (runtime.path,) if runtime else ()
    fresh = (FRESH_MOUNT,) if clean else ()
    return templates.render(
        "Dockerfile.j2",
        release=plan.release.name,
        by_hand=_by_hand(plan),
        mix_release=compiling.released(plan),
        builder=builder,
        runner=plan.runner,
        image_variables=plan.container.variables,
        runner_template="runner-minimal.j2" if plan.runner.minimal else "runner-slim.j2",
        programs=("bash",) if plan.healthcheck else (),
        asked=tuple(package.partition("=")[0] for package in plan.runner.asked_packages),
        applications=plan.applications,
        emulated=plan.platforms is not None and plan.platforms.emulated,
        flags=plan.platforms.flags if plan.platforms else "",
        crossing=_crossing(plan),
        packaged_otp="erlang-dev" in builder.packages,
        fetched=_fetched(plan),
        otp="otp" if _crossing(plan) else "build",
        workdir=sources.context.workdir,
        moved=bool(sources.context.base),
        build_path=sources.build_path,
        # Mix has it as an absolute path for every project that lies in the build, also for the path dependencies.
        build_env=f"{sources.build_path}/prod" if plan.project.build_path else None,
        rebar3="rebar3" in builder.packages,
        manifests=_by_directory(sources, sources.manifests),
        public_keys=_by_directory(sources, builder.access.files),
        compile_config=_by_directory(sources, sources.compile_config),
        files=_by_directory(sources, sources.files),
        directories=_by_directory(sources, (*sources.directories, *sources.beside)),
        late=_by_directory(sources, tuple(path for path in sources.late if path not in runtime_paths)),
        lockfile_path=_lockfile(sources),
        has_deps=plan.has_dependencies,
        # Of one that locks nothing for production (`%{}`, or only what is for dev and test) no step has any use.
        lockfile=sources.lockfile if plan.has_dependencies else None,
        versioned=plan.narrowing.versioned,
        config_filter=plan.narrowing.configuration,
        runtime_config=_runtime_config(plan),
        layers=plan.layers,
        made_by=_made_by(plan),
        made=compiling.made(plan),
        source_roots=compiling.source_roots(plan),
        asked_files=compiling.asked_files(plan),
        config_asks=plan.narrowing.asks,
        compile=compiling.compiled(plan),
        compile_and_release=compiling.compiled_and_released(plan),
        asset_setup=plan.assets.setup,
        node=plan.assets.node,
        node_in_build=_copies_node(plan.assets.node),
        installs=_installs(plan, fresh),
        fetch=_fetch(plan, clean=clean),
        git_helper=any(secret.name == GIT_CREDENTIALS for secret in builder.secrets),
        deps_compile="mix deps.compile --skip-local-deps" if _has_local(plan) else "mix deps.compile",
        mounts=(*fresh, *mounts(plan.builder)),
        fetch_mounts=(*fresh, *_fetch_mounts(plan)),
        secrets=exports(builder.secrets),
        fetch_secrets=exports(builder.fetch_secrets),
        build_secrets=exports(_build_secrets(plan)),
        clean=clean,
        fresh="".join(f"{mount} " for mount in fresh),
        deps_cache=() if clean else (_cache(plan, plan.project.module, "deps"),),
        build_mounts=(
            *fresh,
            *(() if clean else (_cache(plan, plan.release.name, "build"),)),
            *mounts(plan.builder, _build_secrets(plan)),
        ),
        healthcheck=_healthcheck(plan),
        port=plan.healthcheck.port if plan.healthcheck else None,
        labels=plan.labels,
    )


def _crossing(plan: Plan) -> bool:
    """Say whether the modules are compiled on the builder's platform, whatever platform the image is for."""
    return plan.platforms is not None and not plan.platforms.emulated


def _fetched(plan: Plan) -> tuple[str, ...]:
    """Return the runner's packages that are fetched on the builder's own platform; none where apt runs in the runner.

    An image of one's own may be there for the one platform alone that all is built on, emulated.
    """
    if plan.platforms is None or (plan.platforms.emulated and plan.runner.base not in ("slim", "minimal")):
        return ()
    packages = plan.runner.own_packages if plan.runner.minimal else plan.runner.packages
    # The certificates are taken from the builder's platform: it takes minutes to sort them where that is emulated.
    return tuple("openssl" if package == "ca-certificates" else package for package in packages)


def _by_hand(plan: Plan) -> str:
    """Return the shell command that builds it without relbuild."""
    words = ["docker build"]
    for secret in plan.builder.all_secrets:
        file = secret.files[0].replace("~", '"$HOME"') if secret.files else f'"${secret.name}"'
        in_file = secret.is_file or secret.files
        words.append(f"--secret id={secret.name},{'src=' + file if in_file else 'env=' + secret.name}")
    if plan.builder.needs_ssh:
        words.append("--ssh default")
    if plan.builder.network != "default":
        words.append(f"--network {plan.builder.network}")
    up = plan.sources.context.up
    return " ".join((*words, up if up == "." else f"--file Dockerfile {up}"))


def _by_directory(sources: Sources, paths: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Group paths for COPY as (destination, sources): files by the directory they go to, a directory by itself."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        parent, slash, _ = path.rpartition("/") if not path.endswith("/") else (path.removesuffix("/"), "/", "")
        destination = f"{parent}/" if slash else "./"
        groups.setdefault(destination, []).append(sources.context.source(path))
    return tuple((directory, tuple(files)) for directory, files in groups.items())


def _lockfile(sources: Sources) -> str:
    """Return where mix.lock is in the build stages; empty where the project has none."""
    path = posixpath.join(sources.context.workdir, sources.lockfile or "")
    return posixpath.normpath(path) if sources.lockfile else ""


def _copies_node(node: NodeStage | None) -> bool:
    """Say whether the build needs what the node stage has in /usr/local, and the toolchain doesn't have already."""
    return node is not None and node.in_build and (node.image is not None or bool(node.managers))


def _installs(plan: Plan, fresh: tuple[str, ...]) -> list[dict[str, object]]:
    node = plan.assets.node
    return [
        {
            "package": install.of.package,
            "copies": _by_directory(plan.sources, install.of.needs),
            "command": install.command,
            "mounts": (
                *fresh,
                _package_cache(install),
                *mounts(plan.builder, (*plan.builder.secrets, *install.secrets)),
            ),
            "secrets": exports((*plan.builder.secrets, *install.secrets)),
        }
        for install in (node.installs if node is not None else ())
    ]


def _package_cache(install: Install) -> str:
    name = install.of.manager.name
    return f"--mount=type=cache,id=relbuild-{name},target={install.cache},sharing=locked"


def _made_by(plan: Plan) -> str:
    """Return the command that tells what the dependencies are compiled by, besides their versions."""
    deps = [dep for part in plan.project.parts for dep in part.deps]
    options = sorted({f"{dep.app}: {dep.built}" for dep in deps if dep.built})
    unknown = any(each.what.startswith("dep") for each in plan.project.unknown)
    known = not unknown and not plan.narrowing.asks and all(dep.built != NOT_KNOWN for dep in deps)
    files = [*plan.sources.compile_config, *(() if known else plan.sources.manifests)]
    commands = ["cat /toolchain"]
    if options:
        commands.append(f"printf '%s\\n' {shlex.join(options)}")
    if files:
        commands.append(f"find {shlex.join(files)} -type f -exec sha256sum {{}} + 2>/dev/null | LC_ALL=C sort")
    return "; ".join(commands)


def _runtime_config(plan: Plan) -> dict[str, str] | None:
    runtime = plan.narrowing.runtime
    if runtime is None:
        return None
    return {"source": plan.sources.context.source(runtime.path), "version": runtime.version}


def _has_local(plan: Plan) -> bool:
    """Tell whether there are dependencies whose sources the deps stage doesn't have."""
    return plan.project.umbrella or bool(plan.project.path_deps)


def _fetch(plan: Plan, *, clean: bool) -> str:
    """Return the command that fetches the dependencies, after the logins it needs.

    Where they are locked and an earlier build's may be taken up, /tmp/fetched lists them then.
    """
    fetch = "mix deps.get --only prod"
    if plan.sources.lockfile and plan.has_dependencies:
        fetch = f"{fetch} --check-locked"
        if not clean:
            # A shell's pipe ends as its last command does.
            listed = f"mix do {fetch.removeprefix('mix ')}, deps"
            fetch = f"{{ {listed} && touch /tmp/done; }} | tee /tmp/fetched\n[ -e /tmp/done ]"
    return "\n".join((*plan.builder.access.logins, fetch))


def _build_secrets(plan: Plan) -> tuple[Secret, ...]:
    """Return what the step that builds assets is given: npm and its like read their settings there, too."""
    node = plan.assets.node
    return (*plan.builder.secrets, *(plan.builder.asset_secrets if node is not None and node.in_build else ()))


def mounts(builder: Builder, secrets: tuple[Secret, ...] | None = None) -> tuple[str, ...]:
    """Return RUN's mounts for what every step of the build is given, or for other secrets."""
    ssh = ("--mount=type=ssh",) if builder.ssh else ()
    return (*_secret_mounts(builder.secrets if secrets is None else secrets), *ssh)


def _fetch_mounts(plan: Plan) -> tuple[str, ...]:
    """Return RUN's mounts for fetching."""
    ssh = ("--mount=type=ssh",) if plan.builder.needs_ssh else ()
    memory = (f"--mount=type=tmpfs,target={HEX_HOME}",) if plan.builder.access.tells_hex else ()
    return (*_secret_mounts(plan.builder.fetch_secrets), *ssh, *memory)


def _secret_mounts(secrets: Iterable[Secret]) -> tuple[str, ...]:
    return tuple(f"--mount=type=secret,id={secret.name}" for secret in secrets)


def exports(secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Return the shell's lines that put secrets into a step's environment."""
    return tuple(line for secret in secrets for line in secret.export)


def _cache(plan: Plan, owner: str, kind: str) -> str:
    # Machine code of one platform must not be taken up for another.
    platform = "-$TARGETARCH" if plan.platforms is not None and plan.platforms.emulated else ""
    return f"--mount=type=cache,id=relbuild-{owner}-{kind}{platform},target=/cache,sharing=locked"


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
