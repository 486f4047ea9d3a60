"""Assets that npm's packages build are in the release; nothing of this machine's own builds is."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SITE = HERE / "projects" / "site"
REGISTRY = HERE / "images" / "npm"
LOGIN = "site:open-sesame"


def tarball(directory: Path) -> bytes:
    """Return a package as npm publishes it: all in a directory named package."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        archive.add(directory, "package")
    return made.getvalue()


@pytest.fixture
def registry(docker: Any, labels: tuple[str, ...], run_id: str, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """Return the address of a private npm registry, and what a lock file says of the package it has."""
    context = Path(shutil.copytree(REGISTRY, tmp_path / "registry"))
    content = tarball(REGISTRY / "banner")
    package = context / "packages" / "banner" / "-" / "banner-1.0.0.tgz"
    package.parent.mkdir(parents=True)
    package.write_bytes(content)
    (context / "httpd.conf").write_text(f"/:{LOGIN}\n")
    image = f"relbuild-test-npm:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(context))
    container = docker("run", "--detach", *labels, image)
    address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}:4873", container)
    resolved = f"http://{address}/banner/-/banner-1.0.0.tgz"
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return address, {"version": "1.0.0", "resolved": resolved, "integrity": f"sha512-{digest}"}


@pytest.fixture
def project(registry: tuple[str, dict[str, str]], tmp_path: Path) -> Path:
    """Return the project, with its lock file, its registry, and what lies around on a developer's machine."""
    address, locked = registry
    project = Path(shutil.copytree(SITE, tmp_path / "site"))
    package = json.loads((project / "assets/package.json").read_text())
    own = {"name": "site", "devDependencies": package["devDependencies"]}
    entry = {**locked, "dev": True, "bin": {"banner": "banner.js"}}
    lock = {"name": "site", "lockfileVersion": 3, "requires": True, "packages": {"": own, "node_modules/banner": entry}}
    (project / "assets/package-lock.json").write_text(json.dumps(lock, indent=2))
    (project / "assets/.npmrc").write_text(f"registry=http://{address}/\n//{address}/:_auth=${{NPM_LOGIN}}\n")
    # What lies here was made for this machine, and from other sources.
    for path in ("assets/node_modules/banner/banner.js", "_build/prod/lib/site/ebin/site.app", "deps/x/mix.exs"):
        (project / path).parent.mkdir(parents=True)
        (project / path).write_text("nothing that runs")
    return project


def test_npm_ci_installs_what_builds_what_the_release_serves(
    docker: Any,
    relbuild: Callable[..., Any],
    wait: Callable[..., None],
    cleanup: Any,
    labels: tuple[str, ...],
    run_id: str,
    project: Path,
) -> None:
    reference = cleanup.image(f"relbuild-test-site:{run_id}")
    wrong = relbuild("image", "-t", reference, cwd=project, env={"NPM_LOGIN": "bm9ib2R5Om5vdGhpbmc="})
    assert (wrong.exit_code, "E401" in wrong.stderr) == (1, True), wrong.stderr
    login = base64.b64encode(LOGIN.encode()).decode()
    built = relbuild("image", "-t", reference, cwd=project, env={"NPM_LOGIN": login})
    assert built.exit_code == 0, built.stderr

    container = docker("run", "--detach", *labels, reference)
    script = ("exec", container, "/app/bin/site", "rpc", "IO.write(Site.script())")
    served = '/* built by node 20 */\nconsole.log("hello");'
    wait(lambda: docker("exec", container, "sh", "-c", "bin/site pid 2>&1 || true").isdigit(), "the site", lambda: "")
    assert docker(*script) == served
    docker("rm", "--force", container)
    # Node and its packages built it, and stay behind.
    look = ("run", "--rm", "--user", "root", "--entrypoint", "sh", reference)
    assert docker(*look, "-c", "command -v node; find / -xdev -name 'banner*'") == ""
