"""What `relbuild doctor` finds in the engine that builds, and in the docker client."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from relbuild.commands.session import Session
from relbuild.engine import files
from relbuild.engine.connection import configuration
from relbuild.engine.facts import EngineFacts
from relbuild.errors import CommandFailed, EngineError, PassingFault
from relbuild.image.build.failures import INSTALL_BUILDX
from relbuild.image.findings import Finding

GIB = 1 << 30
# A release with its dependencies compiled, its layers and the images below them: some gigabytes.
LITTLE_DISK, NO_DISK = 5 * GIB, 1 * GIB
# Below it the system's killer of processes ends compilers.
LITTLE_MEMORY = 2 * GIB
# Seconds that two clocks may differ before certificates, tokens and Mix's file times are taken for wrong.
CLOCKS = 10.0
PROXIES = {"HTTP_PROXY": "httpProxy", "HTTPS_PROXY": "httpsProxy", "NO_PROXY": "noProxy"}


@dataclass(frozen=True, slots=True)
class Builder:
    """The builder that buildx has chosen: its name, its driver, the platforms whose programs it can run."""

    name: str
    driver: str
    platforms: tuple[str, ...]

    @classmethod
    def of(cls, said: str) -> Builder:
        """Return what ``docker buildx inspect`` says."""
        first = {key: value.strip() for key, value in reversed(re.findall(r"^(\w+):[ \t]*(.*)$", said, re.M))}
        platforms = tuple(word.strip(" *") for word in first.get("Platforms", "").split(",") if word.strip())
        return cls(first.get("Name", ""), first.get("Driver", ""), platforms)


def find(session: Session, platforms: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Yield what is found; ``platforms`` are those whose programs the build runs."""
    try:
        session.engine.require_builds()
        facts = session.engine.about()
    except (EngineError, PassingFault) as error:
        problem = error.problems[0]
        yield Finding("engine", "failed", problem.message, problem.hint)
        return
    yield from engine(facts, str(session.endpoint), time.time())
    if facts.name == socket.gethostname() and Path(facts.root).is_dir():
        yield disk(facts.root, files.free(facts.root))
    try:
        yield from _client(session, platforms)
    except EngineError as error:  # there is no docker here
        yield Finding("docker", "failed", error.problems[0].message, error.problems[0].hint)
    try:
        yield from proxies(_proxies_here(), _proxies_of_builds())
    except CommandFailed as error:
        yield Finding("docker", "warning", str(error.problems[0]), error.problems[0].hint)


def engine(facts: EngineFacts, place: str, now: float) -> Iterator[Finding]:
    """Yield findings about the engine; ``now`` is this machine's time, in seconds since 1970."""
    size = f"{facts.cpus} CPU{'s' * (facts.cpus != 1)}, {facts.memory / GIB:.1f} GiB"
    yield Finding("engine", "ok", f"Docker Engine {facts.version} at {place}: linux/{facts.architecture}, {size}")
    if facts.memory < LITTLE_MEMORY:
        yield Finding(
            "memory",
            "warning",
            f"the engine has {facts.memory / GIB:.1f} GiB: compilers may be killed for lack of memory",
            "give its machine more, or compile less at once: builder.env {ERL_FLAGS: '+S 2:2'}",
        )
    if facts.containerd:
        yield Finding("store", "ok", "containerd's image store")
    else:
        yield Finding(
            "store",
            "note",
            "Docker's older image store: an image is for one platform, and has a digest once it is pushed",
            "docs.docker.com/engine/storage/containerd turns containerd's on",
        )
    if abs(facts.time - now) > CLOCKS:
        where = "ahead of" if facts.time > now else "behind"
        yield Finding(
            "clock",
            "warning",
            f"the engine's clock is {abs(facts.time - now):.0f} s {where} this machine's",
            "let both machines take the time from a server (NTP): certificates and logins depend on it",
        )


def disk(root: str, free: int) -> Finding:
    """Return whether there is room at the engine's directory; ``free`` is in bytes."""
    said = f"{free / GIB:.1f} GiB free at {root}"
    if free >= LITTLE_DISK:
        return Finding("disk", "ok", said)
    hint = "docker system df shows what takes it; docker builder prune and docker image prune free it"
    return Finding("disk", "failed" if free < NO_DISK else "warning", said, hint)


def _client(session: Session, platforms: tuple[str, ...]) -> Iterator[Finding]:
    version = session.runner.captured((*session.endpoint.docker, "buildx", "version"))
    if version.exit_code:
        yield Finding("buildx", "failed", "the docker client has no buildx", INSTALL_BUILDX)
        return
    found = re.search(r" v?(\d+)\.(\d+)\S*", version.stdout)
    if found and (int(found[1]), int(found[2])) < (0, 13):
        yield Finding("buildx", "failed", f"buildx{found[0]} is too old", INSTALL_BUILDX)
        return
    yield Finding("buildx", "ok", f"buildx{found[0]}" if found else "buildx, of an unknown version")
    inspected = session.runner.captured((*session.endpoint.docker, "buildx", "inspect"))
    if inspected.exit_code:
        hint = "docker buildx ls shows the builders there are, docker buildx use default selects the engine's own"
        yield Finding("builder", "failed", "the builder that buildx has chosen doesn't answer", hint)
        return
    yield from builder(Builder.of(inspected.stdout), platforms)


def builder(chosen: Builder, platforms: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what the builder can do."""
    if chosen.driver == "docker":
        yield Finding("builder", "ok", f"the engine's own ({', '.join(chosen.platforms)})")
    else:
        yield Finding(
            "builder",
            "note",
            f"{chosen.name} ({chosen.driver}): every image is copied from it to the engine, and it fetches every base "
            "from the registry",
            "docker buildx use default selects the engine's own",
        )
    for missing in (platform for platform in platforms if platform not in chosen.platforms):
        yield Finding(
            "platforms",
            "failed",
            f"programs for {missing} don't run on the builder, and the build runs them",
            f"docker run --privileged --rm tonistiigi/binfmt --install {missing.split('/')[1]}, or an engine of that "
            "platform",
        )


def proxies(here: tuple[str, ...], given: tuple[str, ...]) -> Iterator[Finding]:
    """Yield the proxies that are set here and that builds don't get."""
    for name in here:
        if name not in given:
            yield Finding(
                "proxy",
                "warning",
                f"{name} is set here, and builds and containers don't get it",
                f'write it into docker\'s config.json: {{"proxies": {{"default": {{"{PROXIES[name]}": …}}}}}} '
                "(docs.docker.com/engine/cli/proxy)",
            )


def _proxies_here() -> tuple[str, ...]:
    return tuple(name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower()))


def _proxies_of_builds() -> tuple[str, ...]:
    configured = configuration().get("proxies") or {}
    keys = {key for each in configured.values() if isinstance(each, dict) for key in each}
    return tuple(name for name, key in PROXIES.items() if key in keys)
