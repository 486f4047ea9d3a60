"""relbuild migrate: the image's migrate expression through ``bin/NAME eval``, in a one-off container."""

from __future__ import annotations

from relbuild.commands.around import Around
from relbuild.commands.call import Asked, call
from relbuild.commands.place import in_image, release_image
from relbuild.commands.session import Session
from relbuild.errors import UsageError
from relbuild.result import Ran


def migrate(session: Session, reference: str | None, around: Around) -> Ran:
    """Migrate with the expression the image's labels carry; no project is needed for it.

    Raises UsageError when the image carries none.
    """
    image = release_image(session, reference)
    if image.migrate is None:
        raise UsageError(
            f"the image {image.reference} carries no migrate expression",
            hint="relbuild finds migrate/0 in a module named *.Release or *.ReleaseTasks below lib/; "
            "for another write `migrate: Module.function()` into relbuild.yml; then build the image again",
        )
    return call(session, in_image(session, image, around), Asked("migrate", (image.migrate,)), around.values)
