"""What must not be in an image, judged: findings, each with what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relbuild.image.findings import Finding
from relbuild.image.leaks import Leak


def judged(leaks: Iterable[Leak], *, own: bool) -> Iterator[Finding]:
    """Yield a finding for each leak, and that all is well where there is none; ``own`` tells that relbuild built it."""
    wrong = [_finding(leak, own=own) for leak in leaks]
    yield from wrong
    if not wrong:
        yield Finding("secrets", "ok", "no secret, private key or .env in any layer, history, label or environment")


def _finding(leak: Leak, *, own: bool) -> Finding:
    where = f"/{leak.where}" if leak.layer is not None else leak.where
    if leak.deleted:
        where += " (deleted in a later layer, but still shipped)"
    if leak.kind == "cookie":
        return Finding(
            "secrets",
            "failed" if own else "warning",
            f"{where}: whoever has the image has the cookie of its nodes",
            "leave it out (rm releases/COOKIE in the RUN of mix release, no -setcookie in vm.args, no RELEASE_COOKIE= "
            "in env.sh), and give RELEASE_COOKIE where it runs",
        )
    if leak.kind in ("variable", "url"):
        what = "holds a password" if leak.kind == "url" else "is named like a secret"
        return Finding(
            "secrets",
            "failed" if leak.certain else "warning",
            f"{where}: {leak.name} {what}, and everyone who has the image can read it",
            "give it where the release runs; what the build needs goes through RUN --mount=type=secret",
        )
    if not leak.certain:
        return Finding(
            "secrets",
            "warning",
            f"{where} has the value of the build's secret {leak.name} in it",
            "by chance, as it is no file of the project's, unless a step of the release writes there; a value that "
            "stands in files of others is too easily guessed",
        )
    out = (
        "builder: {ignore: [PATH]} in relbuild.yml"
        if own
        else "name it in .dockerignore, or don't COPY it in the Dockerfile"
    )
    what, mending = {
        "secret": (
            f"holds the value of the build's secret {leak.name}",
            "is it read while the project is compiled, into a module or a configuration? Use it in the RUN that needs "
            "it, and nowhere else",
        ),
        "key": ("holds a private key", f"renew it, and leave it out: {out}"),
        "env file": ("is a file of variables", f"leave it out: {out}"),
    }[leak.kind]
    return Finding("secrets", "failed", f"{where} {what}", mending)
