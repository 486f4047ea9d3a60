"""The image that the same inputs have given before: there is nothing to build then.

The builder would come to the same image, from its cache; but asking it takes longer the more builds it remembers.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from relbuild import __version__, cache
from relbuild.commands.build import Request, build_context
from relbuild.commands.session import Session
from relbuild.engine import builders, context, files
from relbuild.image import dockerfile, dockerignore
from relbuild.image.build import buildx
from relbuild.image.ignore import Ignored
from relbuild.image.plan import Plan

# What the docker client takes from its environment for a build.
ASKED = ("SOURCE_DATE_EPOCH", "DOCKER_DEFAULT_PLATFORM", "BUILDX_BUILDER")


class Inputs:
    """What a build is made from, as it is before the build: all by which the builder would know its steps again.

    Not the secrets' values, which are no part of an image, and by which the builder doesn't go either.
    """

    def __init__(self, session: Session, request: Request) -> None:
        self._session = session
        plan, platforms = request.plan, request.platforms
        ignore = dockerignore.render(plan)
        self._ignored = Ignored.of(ignore)
        self._root = Path(build_context(session.root, plan.sources.context.up))
        bases = _bases(session, plan)
        self._before = None if bases is None else context.snapshot(self._root, self._ignored)
        asked = {name: os.environ.get(name) for name in ASKED}
        options = buildx.given(plan.builder, request.secrets)
        told = (__version__, dockerfile.render(plan), ignore, options, platforms, bases, asked)
        self._told = json.dumps([*told, self._before.content if self._before else None])
        where = json.dumps([os.fspath(self._root.resolve()), str(session.endpoint), plan.release.name, platforms])
        self._path = cache.directory() / "built" / f"{files.short_hash(where)}.json"

    def image(self) -> str | None:
        """Return the id of the image that they have given; None where the engine has none, or that isn't known."""
        if self._before is None:
            return None
        with suppress(OSError, ValueError, LookupError, TypeError):  # not to be read, or cut off: build
            known = json.loads(self._path.read_bytes())
            if known["inputs"] == files.digest(self._told):
                facts = self._session.engine.image(known["image"])
                return facts.id if facts is not None else None
        return None

    def keep(self, image: str) -> None:
        """Note the id of the image that was built from them, unless they have changed since the build began."""
        if self._before is not None and context.times(self._root, self._ignored) == self._before.times:
            files.remember(self._path, json.dumps({"inputs": files.digest(self._told), "image": image}))


def _bases(session: Session, plan: Plan) -> tuple[str, ...] | None:
    """Return what the images are that the build starts from; None where the builder would have to ask a registry."""
    node = plan.assets.node.image if plan.assets.node is not None else None
    names = [name for name in (plan.builder.image, plan.runner.image, node) if name]
    local = not builders.is_own()
    found = []
    for name in names:
        facts = None if "@" in name or not local else session.engine.image(name)
        if "@" not in name and facts is None:
            return None
        found.append(name if facts is None else facts.id)
    return tuple(found)
