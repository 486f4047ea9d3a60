"""A plan rendered: the Dockerfile, as its owner would write it by hand, and the scripts that its steps run."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping

from relbuild import templates
from relbuild.elixir.versions import Version
from relbuild.image.plan.assets import PHOENIX_TASKS
from relbuild.image.plan.credentials import HEX_HOME, Secret
from relbuild.image.plan.node_stage import Install, NodeStage
from relbuild.image.plan.plan import Plan
from relbuild.image.plan.sources import Sources
from relbuild.image.plan.stages import BuilderStages

# In the first lines of what relbuild writes, so that it knows its own again.
SIGNATURE = "written by relbuild"
# Where `relbuild dockerfile --write` puts the scripts, and the build context that `relbuild image` gives instead.
SCRIPTS, SCRIPTS_CONTEXT = ".relbuild", "scripts"
# A mount makes the steps of a clean build unlike those of any other; below /dev, so that no layer has its directory.
FRESH_MOUNT = "--mount=type=bind,from=fresh,target=/dev/fresh"
SCRIPT_MOUNT = f"--mount=type=bind,from={SCRIPTS_CONTEXT},target=/scripts"
# The build argument that names the caches.
CACHE = "CACHE"
_SCRIPT = re.compile(r"/scripts/([a-z-]+\.(?:sh|exs))")
# The first Elixir whose `mix do` takes a plus (Mix.Tasks.Do); newer ones warn of the comma that older ones want.
_PLUS = Version(1, 14, 0)


def dockerfile_scripts(dockerfile: str) -> Mapping[str, str]:
    """Return the scripts that a Dockerfile's steps run, by their names."""
    found: dict[str, str] = {}
    waiting = _SCRIPT.findall(dockerfile)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (templates.DIRECTORY / "scripts" / name).read_text(encoding="utf-8")
            waiting += _SCRIPT.findall(found[name])
    return dict(sorted(found.items()))


def render_dockerfile(plan: Plan, *, clean: bool = False) -> str:
    """Return the Dockerfile's text; a `clean` one has no caches for what is compiled."""
    sources, builder, runner, order = plan.sources, plan.builder, plan.runner, plan.order
    fresh = (FRESH_MOUNT,) if clean else ()
    packages = _fetched(plan)
    asked = tuple(package.partition("=")[0] for package in runner.asked_packages)
    runtime_paths = (order.runtime.path,) if order.runtime else ()

    def step(commands: str | tuple[str, ...], mounts: tuple[str, ...] = (), exports: tuple[str, ...] = ()) -> str:
        return templates.run(commands, (*fresh, *mounts), exports)

    def cache(kind: str) -> tuple[str, ...]:
        # One of this very toolchain, as it starts from it: another may compile otherwise.
        mount = f"--mount=type=cache,id=${{{CACHE}}}-{kind},target=/cache,from=toolchain,source=/src,sharing=locked"
        return () if clean else (mount,)

    return templates.render(
        "Dockerfile.j2",
        release=plan.release.name,
        by_hand=_by_hand(plan),
        scripts=sources.context.source(f"{SCRIPTS}/"),
        builder=builder,
        runner=runner,
        image_variables=plan.container.variables,
        clean=clean,
        step=step,
        cache=cache,
        cached=not clean,
        cache_name=cache_name(plan),
        compile_cache=_compile_cache(plan),
        mounts=step_mounts(builder),
        secrets=secret_exports(builder.secrets),
        script_mounts=(SCRIPT_MOUNT,),
        flags=plan.platforms.flags if plan.platforms else "",
        crossing=_crossing(plan),
        packaged_otp="erlang-dev" in builder.packages,
        otp="otp" if _crossing(plan) else "release",
        workdir=sources.context.workdir,
        # Mix has it as an absolute path for every project that lies in the build, also for the path dependencies.
        build_path=f"{sources.build_path}/prod" if plan.project.build_path else None,
        rebar3="rebar3" in builder.packages,
        has_deps=plan.has_dependencies,
        manifests=_by_directory(sources, sources.manifests),
        compile_config=_by_directory(sources, sources.compile_config),
        public_keys=_by_directory(sources, builder.access.files),
        left_out=" and ".join(_left_out(plan)),
        narrow=_narrow(plan),
        fetch=_fetch(plan),
        fetch_mounts=(SCRIPT_MOUNT, *_fetch_mounts(plan)),
        fetch_secrets=secret_exports(builder.fetch_secrets),
        deps_compile=_deps_compile(plan),
        node=plan.assets.node,
        node_in_build=_copies_node(plan.assets.node),
        node_early="assets/" not in order.assets,
        installs=_installs(plan),
        sources=_by_directory(sources, _build_sources(plan)),
        compile=_compile(plan),
        asset_commands=_asset_commands(plan),
        asset_sources=_by_directory(sources, order.assets),
        asset_mounts=step_mounts(builder, _build_secrets(plan)),
        asset_secrets=secret_exports(_build_secrets(plan)),
        beside=order.beside,
        release_sources=_by_directory(
            sources, (*order.release, *(path for path in sources.late if path not in runtime_paths))
        ),
        assemble=_assemble(plan),
        runtime_config=_runtime_config(plan),
        layers=plan.layers,
        fetched=packages,
        fetch_packages=_call("fetch-packages.sh", *packages, *(("--", *asked) if runner.minimal and asked else ())),
        install_runner=_call("install-packages.sh", *(() if packages else _installed(plan))),
        install_mounts=(
            SCRIPT_MOUNT,
            "--mount=type=bind,from=packages,source=/packages,target=/packages"
            if packages
            else "--mount=type=tmpfs,target=/var/lib/apt/lists",
        ),
        install_asked=_call("install-asked.sh", *(() if packages else runner.asked_packages)) if asked else "",
        asked_mounts=(
            SCRIPT_MOUNT,
            *(("--mount=type=bind,from=packages,source=/asked,target=/asked",) if packages else ()),
        ),
        collect=(
            _call("collect-rootfs.sh", *(("bash",) if plan.healthcheck else ()), *(("--", *asked) if asked else ())),
            _call("write-rootfs.sh"),
        ),
        healthcheck=_healthcheck(plan),
        port=plan.healthcheck.port if plan.healthcheck else None,
        labels=plan.labels,
    )


def cache_name(plan: Plan) -> str:
    """Return what names the caches of a build where nothing names its project."""
    return plan.release.name


def _compile_cache(plan: Plan) -> str:
    """Return the name of the cache of compiled code, which goes by what the project runs before it compiles."""
    before = plan.builder.steps.before_compile
    return f"build-{hashlib.sha256(repr(before).encode()).hexdigest()[:8]}" if before else "build"


def _call(script: str, *arguments: str) -> str:
    return shlex.join(("sh", f"/scripts/{script}", *arguments))


def _crossing(plan: Plan) -> bool:
    """Return whether the modules are compiled on the builder's platform, whatever platform the image is for."""
    return plan.platforms is not None and not plan.platforms.emulated


def _installed(plan: Plan) -> tuple[str, ...]:
    return plan.runner.own_packages if plan.runner.minimal else plan.runner.packages


def _fetched(plan: Plan) -> tuple[str, ...]:
    """Return the runner's packages that are fetched on the builder's own platform; none where apt runs in the runner.

    An image of one's own may be there for the one platform alone that all is built on, emulated.
    """
    if plan.platforms is None or (plan.platforms.emulated and plan.runner.base not in ("slim", "minimal")):
        return ()
    # The certificates are taken from the builder's platform: it takes minutes to sort them where that is emulated.
    return tuple("openssl" if package == "ca-certificates" else package for package in _installed(plan))


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


def _build_sources(plan: Plan) -> Iterable[str]:
    """Return what the compiler's step reads: a file whose directory is copied comes with it."""
    paths = (*plan.sources.manifests, *plan.sources.compile_config, *plan.sources.files)
    whole = tuple(path for path in plan.order.build if path.endswith("/"))
    return (*(path for path in paths if not path.startswith(whole)), *plan.order.build)


# ---- what the steps run ----


def _left_out(plan: Plan) -> Iterable[str]:
    """Yield what of the project's own the dependencies aren't compiled by, in words."""
    if plan.manifests.versioned:
        yield "version"
    if plan.manifests.configured:
        yield "configuration"


def _narrow(plan: Plan) -> tuple[str, ...]:
    """Return the commands that leave of the manifests what the dependencies are compiled by."""
    commands = []
    if plan.manifests.configured:
        commands.append(shlex.join(("elixir", "/scripts/dependency-config.exs", *plan.applications)))
    if plan.manifests.versioned:
        version = shlex.quote(r's/(@version|version:) "[^"]*"/\1 "0.0.0"/')
        commands.append(f"sed -i -E {version} {shlex.join(plan.manifests.versioned)}")
    return (*commands, "mkdir /manifests", "cp -a /src /manifests/")


def _fetch(plan: Plan) -> tuple[str, ...]:
    """Return the commands that fetch the dependencies, after the logins that it takes."""
    options = plan.manifests.options
    # Options that can't be read may be any: then each change of mix.exs counts.
    words = ('"$(cat mix.exs)"',) if options is None else tuple(map(shlex.quote, options))
    locked = " --check-locked" if plan.sources.lockfile else ""
    return (
        " ".join((_call("reuse-deps.sh"), *words)),
        *plan.builder.access.logins,
        *_mix(plan, f"deps.get --only prod{locked}", "deps.clean --unused --only prod"),
        _call("drop-deps.sh"),
    )


def _deps_compile(plan: Plan) -> tuple[str, ...]:
    """Return the commands that compile the dependencies, and download the programs that build the assets."""
    # deps.loadpaths compiles only what isn't compiled; it would take path dependencies, whose code isn't here.
    compiled = "mix deps.compile --skip-local-deps" if plan.project.path_deps else "mix deps.loadpaths"
    return (
        f'MIX_OS_DEPS_COMPILE_PARTITION_COUNT="$(nproc)" {compiled}',
        *plan.assets.setup,
        _call("keep-deps.sh", *plan.applications),
    )


def _compile(plan: Plan) -> tuple[str, ...]:
    inside = tuple(f"{plan.sources.context.workdir}/{path}" for path in plan.sources.kept if path.startswith("deps/"))
    return (_call("reuse-build.sh", *inside), "mix compile", _call("keep-build.sh"))


def _asset_commands(plan: Plan) -> tuple[str, ...]:
    """Return the commands that build the assets; starting Mix takes longer than most of Phoenix's own."""
    lines = [command.line for command in plan.assets.commands]
    if not lines:
        return ()
    count = next((index for index, line in enumerate(lines) if line not in PHOENIX_TASKS), len(lines))
    commands = _mix(plan, *(line.removeprefix("mix ") for line in lines[:count])) if count else ()
    commands += tuple(map(_in_shell, lines[count:]))
    if plan.assets.digests:
        commands += (_call("undate-assets.sh"),)
    if plan.order.beside:
        commands += (_call("split-static.sh", *(word for pair in plan.order.static for word in pair)),)
    return commands


def _assemble(plan: Plan) -> tuple[str, ...]:
    """Return the commands that make the release and its layers."""
    name = f" {plan.release.name}" if plan.release.defined else ""
    commands = [f"mix release{name} --path /release"]
    if plan.order.runtime is not None:
        # Mix.Tasks.Release copies it unread, and only has to see that there is one.
        path = plan.order.runtime.path
        directory = posixpath.dirname(path)
        made = any(posixpath.dirname(each) == directory for each in plan.sources.compile_config)
        commands.insert(0, shlex.join(("touch", path)))
        if directory and not made:
            commands.insert(0, shlex.join(("mkdir", "-p", directory)))
    layers = plan.layers
    counts = (len(layers.dependencies), len(layers.static), len(layers.modules))
    return (
        *commands,
        _call("finish-release.sh", plan.release.name, *_lockfile(plan.sources)),
        _call("split-release.sh", *map(str, counts), *plan.applications),
    )


def _mix(plan: Plan, *tasks: str) -> tuple[str, ...]:
    """Return the commands that run Mix's tasks one after the other, in one start of Mix where that can be."""
    version = plan.toolchain.elixir
    elixir = None if version is None else Version.parse(version.value)
    if len(tasks) == 1 or elixir is None or elixir < _PLUS:
        return tuple(f"mix {task}" for task in tasks)
    # Quoted, as linters take it for the shell's own word.
    return (f"mix 'do' {' + '.join(tasks)}",)


def _in_shell(line: str) -> str:
    """Return a command that leaves the shell after it as it was: in its directory, with its options."""
    line = line.strip("\n")
    return f"(\n{line}\n)" if "\n" in line else line if line.startswith("mix ") else f"({line})"


def _lockfile(sources: Sources) -> tuple[str, ...]:
    """Return where mix.lock is in the build stages, where the project has one."""
    if not sources.lockfile:
        return ()
    return (posixpath.normpath(posixpath.join(sources.context.workdir, sources.lockfile)),)


def _runtime_config(plan: Plan) -> dict[str, str] | None:
    runtime = plan.order.runtime
    if runtime is None:
        return None
    return {"source": plan.sources.context.source(runtime.path), "version": runtime.version}


# ---- Node ----


def _copies_node(node: NodeStage | None) -> bool:
    """Return whether the build needs what the node stage has in /usr/local, and the toolchain doesn't have already."""
    return node is not None and node.in_build and (node.image is not None or bool(node.managers))


def _installs(plan: Plan) -> list[dict[str, object]]:
    node = plan.assets.node
    return [
        {
            "package": install.of.package,
            "copies": _by_directory(plan.sources, install.of.needs),
            "command": install.command,
            "mounts": (
                _package_cache(install),
                *step_mounts(plan.builder, (*plan.builder.secrets, *install.secrets)),
            ),
            "secrets": secret_exports((*plan.builder.secrets, *install.secrets)),
        }
        for install in (node.installs if node is not None else ())
    ]


def _package_cache(install: Install) -> str:
    name = install.of.manager.name
    return f"--mount=type=cache,id=relbuild-{name},target={install.cache},sharing=locked"


# ---- what the steps are given ----


def _build_secrets(plan: Plan) -> tuple[Secret, ...]:
    """Return what the step that builds assets is given: npm and its like read their settings there, too."""
    node = plan.assets.node
    return (*plan.builder.secrets, *(plan.builder.asset_secrets if node is not None and node.in_build else ()))


def step_mounts(builder: BuilderStages, secrets: tuple[Secret, ...] | None = None) -> tuple[str, ...]:
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


def secret_exports(secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Return the shell's lines that put secrets into a step's environment."""
    return tuple(line for secret in secrets for line in secret.export)


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
