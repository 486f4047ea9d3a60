#!/usr/bin/env python3
"""A real Hex repository on loopback, of packages made on the spot: for tests and measurements away from hex.pm.

    hexrepo.py DIRECTORY --image IMAGE [--packages N] [--port PORT]

makes N packages (default 24), each of which depends on the one before it, with the Elixir and the Hex of an image, and
serves them on 127.0.0.1 until it is interrupted. Builds reach it with the host's network:

    builder: {network: host, repos: {hexpm: {url: "http://127.0.0.1:PORT", public_key: hexpm.pem, auth: false}}}

where hexpm.pem is DIRECTORY/hexpm/public_key. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The public repository, as Hex calls it; an organization's lies below it, as hex.pm has it.
PUBLIC = "hexpm"

# Packages are built one by one, then each repository's index is made and signed; with one key, as on hex.pm, where an
# organization's repository has that of the public one.
SCRIPT = """set -eu
[ -f /hexrepo/private.key ] || openssl genrsa -out /hexrepo/private.key 2048 2>/dev/null
for repository in /hexrepo/sources/*; do
  name="${repository##*/}"
  mkdir -p "/hexrepo/$name/tarballs"
  for package in "$repository"/*; do
    (cd "$package" && mix hex.build --output "/hexrepo/$name/tarballs/${package##*/}.tar" >/dev/null)
  done
  (cd /hexrepo && mix hex.registry build "$name" --name="$name" --private-key=private.key >/dev/null)
done
chown -R "$OWNER" /hexrepo
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package: its files by their paths, mix.exs among them, from which Hex makes the rest."""

    name: str
    version: str
    files: Mapping[str, str]


def elixir_package(name: str, version: str = "1.0.0", deps: Mapping[str, str] | None = None) -> Package:
    """Return a package with one module, whose `name/0` gives its name after those of its dependencies."""
    module = _module(name)
    calls = [f"{_module(dep)}.name()" for dep in (deps or {})]
    body = " <> ".join((*(f'{call} <> " "' for call in calls), f'"{name}"'))
    code = f"defmodule {module} do\n  def name, do: {body}\nend\n"
    return Package(name, version, {"mix.exs": _mix(name, version, deps or {}, ("lib",)), "lib/code.ex": code})


def rebar_package(name: str, version: str = "1.0.0") -> Package:
    """Return an Erlang package for rebar3, whose `name/0` gives its name."""
    app = f'{{application, {name}, [{{vsn, "{version}"}}, {{applications, [kernel, stdlib]}}]}}.\n'
    code = f'-module({name}).\n-export([name/0]).\nname() -> <<"{name}">>.\n'
    files = {"rebar.config": "{erl_opts, [debug_info]}.\n", f"src/{name}.app.src": app, f"src/{name}.erl": code}
    mix = _mix(name, version, {}, ("src", "rebar.config"), 'build_tools: ["rebar3"], ')
    return Package(name, version, {"mix.exs": mix, **files})


def _module(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def _mix(name: str, version: str, deps: Mapping[str, str], kept: Sequence[str], more: str = "") -> str:
    listed = ", ".join(f'{{:{dep}, "{requirement}"}}' for dep, requirement in deps.items())
    files = ", ".join(f'"{path}"' for path in (*kept, *(() if more else ("mix.exs",))))
    return (
        f"defmodule {_module(name)}.MixProject do\n  use Mix.Project\n\n"
        f'  def project do\n    [app: :{name}, version: "{version}", description: "{name}", deps: [{listed}],\n'
        f'     package: [{more}licenses: ["Apache-2.0"], links: %{{}}, files: [{files}]]]\n  end\nend\n'
    )


def publish(
    directory: Path, repositories: Mapping[str, Sequence[Package]], image: str, labels: Sequence[str] = ()
) -> None:
    """Make the repositories below a directory, by their names, with the Elixir and the Hex of a Docker image."""
    for repository, packages in repositories.items():
        for package in packages:
            for path, text in package.files.items():
                file = directory / "sources" / repository / f"{package.name}-{package.version}" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
    owner = f"{os.getuid()}:{os.getgid()}"
    argv = ("docker", "run", "--rm", *labels, "--interactive", "--user", "root", "--env", f"OWNER={owner}")
    mounted = ("--volume", f"{directory.resolve()}:/hexrepo", "--entrypoint", "sh", image)
    done = subprocess.run((*argv, *mounted), input=SCRIPT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the Hex repository could not be made:\n{done.stdout}{done.stderr}")


@dataclass(slots=True)
class Serving:
    """A repository that answers: `url` is the public one's address; `refused` are requests without the right key."""

    url: str
    refused: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)


class _Handler(http.server.SimpleHTTPRequestHandler):
    serving: Serving
    keys: Mapping[str, str]
    root: str

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        # The API that `mix hex.organization auth` asks whether a key is good.
        wanted = next((key for prefix, key in self.keys.items() if path.startswith(prefix)), None)
        if wanted is not None and self.headers.get("authorization") != wanted:
            self.serving.refused.append(path)
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/api/auth":
            self.send_response(204)
            self.end_headers()
        else:
            self.serving.served.append(path)
            super().do_GET()

    def translate_path(self, path: str) -> str:
        """Return the file: an organization's is below /repos/, another repository's below its name."""
        parts = [part for part in path.partition("?")[0].split("/") if part not in ("", ".", "..")]
        if parts[:1] == ["repos"]:
            parts = parts[1:]
        elif not (parts and Path(self.root, parts[0], "tarballs").is_dir()):
            parts = [PUBLIC, *parts]
        return os.path.join(self.root, *parts)  # noqa: PTH118

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serve(directory: Path, keys: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Serving]:
    """Serve the repositories on loopback; ``keys`` are what paths that begin so ask for."""
    serving = Serving("")
    names = {"serving": serving, "keys": keys or {}, "root": str(directory)}
    handler = functools.partial(type("Handler", (_Handler,), names), directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        serving.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield serving
        finally:
            server.shutdown()


def chain(count: int) -> tuple[Package, ...]:
    """Return packages of which each depends on the one before it."""
    names = [f"package_{number:02}" for number in range(1, count + 1)]
    return tuple(
        elixir_package(name, deps={before: "~> 1.0"} if before else {})
        for before, name in zip([None, *names[:-1]], names, strict=True)
    )


def main() -> None:
    """Make a repository and serve it until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--image", required=True)
    parser.add_argument("--packages", type=int, default=24)
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    publish(asked.directory, {PUBLIC: chain(asked.packages)}, asked.image)
    with serve(asked.directory, port=asked.port) as serving, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{serving.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
