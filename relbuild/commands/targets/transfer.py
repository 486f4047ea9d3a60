"""Getting an image to a target's engine: pulled by its digest, or sent through the endpoint without a registry."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from relbuild.commands.release_image import pull
from relbuild.commands.session import Session
from relbuild.endpoint import DEFAULT
from relbuild.errors import CommandFailed
from relbuild.image.plan.tags import split_reference


def provide(session: Session, image: str) -> str:
    """Have the image at the session's engine and return it as that engine names it.

    One with a digest is pulled; another is sent from the engine that docker uses by itself, without the layers that
    the target has. Raises CommandFailed and PassingFault where it can't be had.
    """
    here = session.engine.image(image)
    if "@sha256:" in image:
        if here is None:
            pull(session, image)
        return image
    if session.endpoint == DEFAULT:
        session.engine.built(image)
        return image
    local = session.at(DEFAULT)
    if here is None or here.id != local.engine.built(image).id:
        session.note(f"sending {image} to {session.endpoint}, as it is in no registry")
        _send(session, local, image)
    return image


def _send(session: Session, local: Session, image: str) -> None:
    repository, _ = split_reference(image)
    names = [name for each in session.engine.images(repository) for name in each.tags]
    there = {layer for name in names if (facts := session.engine.image(name)) is not None for layer in facts.layers}
    with TemporaryDirectory(prefix="relbuild-") as directory:
        whole, missing = Path(directory, "image.tar"), Path(directory, "missing.tar")
        saved = session.runner.step((*local.endpoint.docker, "save", "--output", str(whole), image))
        if saved.exit_code:
            raise CommandFailed(f"can't save {image}", hint="docker's message is above")
        if there and not session.dry_run:
            _leave_out(whole, missing, there)
            if session.runner.step((*session.endpoint.docker, "load", "--input", str(missing))).exit_code == 0:
                return
        # An engine that wants every layer gets every layer.
        if session.runner.step((*session.endpoint.docker, "load", "--input", str(whole))).exit_code:
            raise CommandFailed(f"{session.endpoint} can't load {image}", hint="docker's message is above")


def _leave_out(source: Path, target: Path, known: Collection[str]) -> None:
    """Copy what ``docker save`` gave without the layers that are known by the digests of their content.

    Both image stores find a layer that they have and that the archive lacks.
    """
    with tarfile.open(source) as archive, tarfile.open(target, "w") as smaller:
        [image] = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        content = json.load(archive.extractfile(image["Config"]))["rootfs"]["diff_ids"]  # type: ignore[arg-type]
        out = {layer for layer, digest in zip(image["Layers"], content, strict=True) if digest in known}
        for entry in archive:
            if entry.name not in out:
                smaller.addfile(entry, archive.extractfile(entry) if entry.isfile() else None)


def prune(session: Session, images: Collection[str]) -> None:
    """Remove images that were deployed long ago; docker refuses to remove one that a container uses."""
    for image in images:
        if session.engine.image(image) is not None:
            session.runner.lines((*session.endpoint.docker, "image", "rm", image), lambda _line: None)
