"""What a call doesn't need it doesn't import: for a plain project's Dockerfile, for an image without a change."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PLAIN = Path(__file__).parents[1] / "golden" / "mix-new" / "project"

LIBRARIES = {"asyncio", "cyclonedx", "docker", "elftools", "requests", "rich", "ssl"}
OF_A_FAILURE = {"relbuild.image.build.causes", "relbuild.image.build.diagnostics", "relbuild.image.build.failures"}
OF_AN_IMAGE_NOT_SEEN_BEFORE = {
    *("relbuild.commands.checks", "relbuild.commands.content", "relbuild.commands.places", "relbuild.engine.archive"),
    *("relbuild.engine.elf", "relbuild.engine.trial", "relbuild.image.filesystem", "relbuild.image.verify.boot"),
    *("relbuild.image.verify.secrets", "relbuild.image.verify.libraries", "relbuild.image.verify.trial"),
}
NEEDLESS = LIBRARIES | OF_A_FAILURE | OF_AN_IMAGE_NOT_SEEN_BEFORE
OF_AN_ENGINE = {
    *("http.client", "relbuild.commands.build", "relbuild.commands.verification", "relbuild.engine.connection"),
    *("relbuild.engine.docker", "relbuild.image.build.buildx", "relbuild.image.build.progress", "relbuild.progress"),
}
OF_OTHER_PROJECTS = {"tree_sitter_bash", "yaml"}
OF_OTHER_VERBS = {
    *("relbuild.commands.image", "relbuild.commands.plan", "relbuild.config.schema"),
    *("relbuild.image.inspect.sbom", "relbuild.init.files"),
}


def _imported(*argv: str) -> set[str]:
    """Return the modules that a call of Python imports, as Python itself tells."""
    ran = subprocess.run((sys.executable, "-X", "importtime", *argv), capture_output=True, text=True, check=True)
    told = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in told}


def test_the_dockerfile_of_a_plain_project() -> None:
    imported = _imported("-m", "relbuild", "dockerfile", "-C", str(PLAIN))
    assert "relbuild.commands.dockerfile" in imported
    assert imported & (NEEDLESS | OF_OTHER_PROJECTS | OF_AN_ENGINE | OF_OTHER_VERBS) == set()


def test_an_image_that_is_built_and_was_verified_before() -> None:
    imported = _imported("-c", "import relbuild.commands.image")
    assert "relbuild.commands.verification" in imported
    assert imported & (NEEDLESS | OF_OTHER_PROJECTS) == set()


def test_what_is_named_here_exists() -> None:
    assert {
        name for name in NEEDLESS | OF_OTHER_PROJECTS | OF_AN_ENGINE | OF_OTHER_VERBS if not find_spec(name)
    } == set()
