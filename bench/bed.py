"""The test bed of bench/image.py: packages on loopback, a toolchain, and the application once for each tool."""

from __future__ import annotations

import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import engine
import project

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import hexrepo  # noqa: E402

REGISTRY = ROOT / "tests" / "engine" / "images" / "registry"
# Mix writes every lock file: {dependency} is locked at 1.0.NUMBER in /locks/NUMBER.
LOCKS = """set -eu
cd /tmp
cp -r /project locking
cd locking
for number in $(seq 0 {count}); do
  sed "s/:{dependency}, \\"[^\\"]*\\"/:{dependency}, \\"1.0.$number\\"/" /project/mix.exs >mix.exs
  rm -f mix.lock
  MIX_ENV=prod mix deps.get --only prod >/dev/null
  install -m 644 mix.lock "/locks/$number"
done
"""


@dataclass(slots=True)
class Bed:
    """Where the tools build: `ours` and `theirs` hold the same application; `images` are removed at the end."""

    run: str
    work: Path
    builder: str
    registry: str
    images: set[str] = field(default_factory=set)

    @property
    def labels(self) -> tuple[str, ...]:
        return ("--label", label(self.run))

    @property
    def ours(self) -> Path:
        return self.work / "relbuild" / "store"

    @property
    def theirs(self) -> Path:
        return self.work / "conventional" / "store"

    @property
    def alone(self) -> Path:
        """Return where relbuild's Dockerfile is built without it."""
        return self.work / "alone" / "store"

    def tag(self, tool: str) -> str:
        return f"relbuild-bench-{self.run}-{tool}:latest"

    def lock(self, number: int) -> str:
        """Return the lock file with the dependency that is bumped at 1.0.NUMBER."""
        return (self.work / "locks" / str(number)).read_text()


def label(run: str) -> str:
    return f"io.relbuild.bench={run}"


@contextmanager
def made(bumps: int) -> Iterator[Bed]:
    """Give a bed with that many newer versions of the dependency; only the engine's build cache is left of it."""
    run = uuid.uuid4().hex[:8]
    bed = Bed(run, Path(tempfile.mkdtemp(prefix="relbuild-bench-")), f"relbuild-bench-{run}-builder:latest", "")
    try:
        elixir = _image(bed, "elixir", ROOT / "bench")
        repository = bed.work / "hexrepo"
        repository.mkdir()
        hexrepo.publish(repository, {hexrepo.PUBLIC: tuple(_packages(bed.work / "sources", bumps))}, elixir, bed.labels)
        _hex_version(repository / hexrepo.PUBLIC)
        with hexrepo.serve(repository) as serving, engine.registry(bed.labels, REGISTRY) as bed.registry:
            options = ("--network", "host", "--build-arg", f"HEX_URL={serving.url}", "--tag", bed.builder)
            _image(bed, "builder", repository / hexrepo.PUBLIC, *options)
            _projects(bed, bumps)
            yield bed
    finally:
        engine.clear(label(run), bed.images | {bed.builder})
        shutil.rmtree(bed.work, ignore_errors=True)


def _image(bed: Bed, target: str, context: Path, *options: str) -> str:
    dockerfile = str(ROOT / "bench" / "toolchain.Dockerfile")
    return engine.docker(
        *("build", "--quiet", *bed.labels, "--target", target, "--file", dockerfile, *options, str(context))
    )


def _packages(sources: Path, bumps: int) -> Iterator[hexrepo.Package]:
    for name, directory in project.written_packages():
        yield _package(name, "1.0.0", directory)
    bumped = project.independent()
    every = [(name, 0) for name in project.dependency_names()] + [(bumped, number + 1) for number in range(bumps)]
    for name, number in every:
        version = f"1.0.{number}"
        yield _package(name, version, project.write_dependency(sources / version, name, version))


def _package(name: str, version: str, directory: Path) -> hexrepo.Package:
    files = {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}
    return hexrepo.Package(name, version, files)


def _hex_version(repository: Path) -> None:
    """Answer Hex's question for newer versions of itself: there are none."""
    (repository / "installs").mkdir()
    (repository / "installs" / "hex-1.x.csv").write_text("")


def _projects(bed: Bed, bumps: int) -> None:
    """Write the application for both tools, and its lock files."""
    project.write_application(bed.theirs)
    locks = bed.work / "locks"
    locks.mkdir()
    script = LOCKS.format(dependency=project.independent(), count=bumps)
    mounts = ("--volume", f"{bed.theirs}:/project:ro", "--volume", f"{locks}:/locks")
    engine.docker(*("run", "--rm", *bed.labels, "--network", "host", *mounts, bed.builder, "sh", "-c", script))
    (bed.theirs / "mix.lock").write_text(bed.lock(0))
    shutil.copytree(bed.theirs, bed.ours)
    (bed.ours / "relbuild.yml").write_text(
        f"toolchain: image\ndebian: forky\nbuilder: {{image: {bed.builder}, network: host}}\n"
    )
