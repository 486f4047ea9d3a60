"""The labels of an image: its release, what it needs where it runs, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relbuild import __version__
from relbuild.facts import Known
from relbuild.image import labels
from relbuild.image.reference import Reference
from relbuild.mix.environment import Contract, to_label
from relbuild.mix.project import Release
from relbuild.release.command import ROOT


def of(
    release: Release,
    required: Contract,
    *,
    applications: tuple[str, ...],
    repositories: Mapping[str, str],
    base: str | None,
    more: Mapping[str, str],
) -> Mapping[str, str]:
    """Return a release image's labels, by name; ``base`` is the image it stands on, where there is one."""
    values = {
        labels.BUILT_BY: f"relbuild {__version__}",
        labels.RELEASE: release.name,
        labels.ROOT: ROOT,
        labels.OCI_TITLE: release.name,
        **more,
        **_base(base),
    }
    if not required.empty:
        values[labels.ENVIRONMENT] = to_label(required)
    if isinstance(release.version, Known):
        values[labels.VERSION] = release.version.value
        values[labels.OCI_VERSION] = release.version.value
    if applications:
        values[labels.APPLICATIONS] = " ".join(applications)
    if repositories:
        values[labels.REPOSITORIES] = " ".join(f"{name}={url}" for name, url in sorted(repositories.items()))
    return dict(sorted(values.items()))


def _base(image: str | None) -> Mapping[str, str]:
    if image is None:
        return {}
    base = Reference.parse(image)
    name = str(replace(base, digest=None) if base.tag else base)
    digest = {} if base.digest is None else {labels.OCI_BASE_DIGEST: base.digest}
    return {labels.OCI_BASE_NAME: name, **digest}
