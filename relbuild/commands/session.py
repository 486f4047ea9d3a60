"""What every command gets: where the project is, which engine, and how to act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from relbuild.endpoint import Endpoint
from relbuild.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from relbuild.config import Config
    from relbuild.engine.docker import Engine
    from relbuild.engine.files import ProjectTree
    from relbuild.engine.runner import Runner
    from relbuild.image.plan.base_images import ImageLock
    from relbuild.image.plan.plan import Plan
    from relbuild.mix.environment import Contract
    from relbuild.mix.project import Project
    from relbuild.progress import Display


# A project's readers are imported where they are used: a command for a named container reads no project.


@dataclass(frozen=True, slots=True)
class Session:
    """One call of relbuild."""

    root: Path
    config_file: Path | None
    endpoint: Endpoint
    runner: Runner
    connect: Callable[[Endpoint], Engine]
    warn: Callable[[str], None]
    note: Callable[[str], None]
    progress: Callable[[], Display]
    as_json: bool = False
    dry_run: bool = False
    release: str | None = None
    """The release that the command line names."""
    _trees: dict[Path, ProjectTree] = field(default_factory=dict, repr=False, compare=False)

    @property
    def engine(self) -> Engine:
        """The engine's reads; a command that only reads a project never needs it."""
        return self.connect(self.endpoint)

    def config(self) -> Config:
        """Return relbuild.yml's content; all defaults when there is none and none was named.

        Raises ConfigError.
        """
        from relbuild import config as configuration
        from relbuild.engine.files import read_bytes

        path = self.config_file or self.root / "relbuild.yml"
        content = read_bytes(path)
        if content is None:
            if self.config_file is not None:
                raise ConfigError(f"there is no file {path}", hint="--config names the project's relbuild.yml")
            return configuration.Config()
        return configuration.parse(content, str(self.config_file or "relbuild.yml"))

    def tree(self) -> ProjectTree:
        """Return the project's files, as they are when a command first reads them.

        Raises UsageError when there is no such directory.
        """
        from relbuild.engine.files import ProjectTree

        if not self.root.is_dir():
            raise UsageError(f"there is no directory {self.root}", hint="-C names the project's directory")
        return self._trees.setdefault(self.root, ProjectTree(self.root))

    def at(self, endpoint: Endpoint) -> Session:
        """Return the same call at another engine."""
        return replace(self, endpoint=endpoint)

    def of(self, release: str | None) -> Session:
        """Return the same call for a release of the project."""
        return replace(self, release=release)

    def lock(self) -> ImageLock | None:
        """Return what relbuild.lock says, None when there is none; raise ProjectError."""
        from relbuild.image.plan.base_images import LOCK_FILE, parse_image_lock

        content = self.tree().read(LOCK_FILE)
        return parse_image_lock(content) if content is not None else None

    def project(self) -> Project:
        """Return what mix.exs defines, as the build evaluates it; raise ProjectError and ConfigError."""
        from relbuild.elixir.build_environment import BuildEnvironment
        from relbuild.mix.project import read_project

        return read_project(self.tree(), BuildEnvironment.of(self.config()))

    def contract(self, project: Project) -> Contract:
        """Read what the project's release needs of its environment, whether or not there is an image to build it in.

        Raises ProjectError and ConfigError.
        """
        from relbuild.engine.checkout import location
        from relbuild.mix import environment, umbrella
        from relbuild.mix.project import select_release

        tree, place = self.tree(), location(self.root)
        release = select_release(project, self.release or self.config().release)
        umbrella.refuse_child(tree, project, release, place.names, place.here)
        return environment.read_contract(tree, project, release)

    def plan(
        self,
        release: str | None = None,
        *,
        locked: bool = True,
        project: Project | None = None,
        platforms: tuple[str, ...] | None = None,
    ) -> Plan:
        """Read relbuild.yml, relbuild.lock and the project, where it isn't given, and decide what will be built.

        The lock is read only if ``locked``; ``platforms`` take the place of those in relbuild.yml.
        Raises ProjectError and ConfigError.
        """
        from relbuild.engine.checkout import location
        from relbuild.image.plan.plan import make_plan

        found = project or self.project()
        held = self.lock() if locked else None
        return make_plan(
            found, self.config(), self.tree(), release or self.release, held, location(self.root), platforms
        )
