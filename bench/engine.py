"""What the measurements ask of the Docker Engine: building with a watch, pushing for sizes, starting, clearing away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import runc

MANIFEST = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
# As installed: with the modules' bytecode beside them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, slots=True)
class Timed:
    """How long a command took in all, and when it wrote each of its lines to stderr, in seconds from its start."""

    seconds: float
    lines: tuple[tuple[float, str], ...]


def docker(*argv: str) -> str:
    """Return what the docker client printed; end the program with what it said when it failed."""
    done = subprocess.run(("docker", *argv), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(argv)}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def timed(argv: tuple[str, ...], directory: Path, **env: str) -> Timed:
    """Run a command to its end, as a whole process, and return how long it took; end the program when it failed."""
    start = time.perf_counter()
    code, lines = _run(argv, directory, env, start)
    # What a fault of runc's own took counts: a median doesn't mind one.
    if code and any(runc.RESET in line for _, line in lines):
        code, lines = _run(argv, directory, env, start)
    if code:
        raise SystemExit("\n".join((" ".join(argv), *(line for _, line in lines))))
    return Timed(time.perf_counter() - start, lines)


def _run(
    argv: tuple[str, ...], directory: Path, env: Mapping[str, str], start: float
) -> tuple[int, tuple[tuple[float, str], ...]]:
    with subprocess.Popen(
        argv, cwd=directory, env={**ENVIRONMENT, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        lines = tuple((time.perf_counter() - start, line.rstrip("\n")) for line in process.stderr)
    return process.returncode, lines


@contextmanager
def registry(labels: tuple[str, ...], context: Path) -> Iterator[str]:
    """Give the ``host:port`` of a registry on loopback, empty at first."""
    image = docker("build", "--quiet", *labels, str(context))
    container = docker("run", "--detach", *labels, "--publish", "127.0.0.1::5000", image)
    address = docker("port", container, "5000/tcp")
    _until_answers(f"http://{address}/v2/", container)
    yield address


def layers(image: str, registry: str) -> dict[str, int]:
    """Return an image's layers as they are pushed: their digests with their sizes, compressed."""
    name = f"{registry}/measured:{time.monotonic_ns()}"
    docker("tag", image, name)
    docker("push", "--quiet", name)
    docker("image", "rm", "--no-prune", name)
    path = name.removeprefix(f"{registry}/").replace(":", "/manifests/")
    request = urllib.request.Request(f"http://{registry}/v2/{path}", headers={"Accept": MANIFEST})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return {layer["digest"]: int(layer["size"]) for layer in json.load(answer)["layers"]}


def first_answer(image: str, labels: tuple[str, ...]) -> float:
    """Return the seconds from ``docker run`` to the first 200 on the application's port, and remove the container."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    container = docker("run", "--detach", *labels, "--publish", f"127.0.0.1:{port}:4000", image)
    try:
        _until_answers(f"http://127.0.0.1:{port}/", container)
        return time.perf_counter() - start
    finally:
        docker("container", "rm", "--force", container)


def _until_answers(url: str, container: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(docker("logs", container)) from None
            time.sleep(0.005)


def clear(label: str, images: set[str]) -> None:
    """Remove what carries the label, and the images, which carry none."""
    for kind in ("container", "image"):
        listing = ("--all", "--quiet", "--no-trunc", "--filter", f"label={label}")
        found = {*docker(kind, "ls", *listing).split(), *(images if kind == "image" else ())}
        if found:
            subprocess.run(("docker", kind, "rm", "--force", *found), capture_output=True)
