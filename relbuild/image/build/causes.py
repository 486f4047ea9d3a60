"""The well-known causes of a failed build: the pattern in its output, and how each is usually fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Which Debian package has a header, for those that Hex packages' C code includes.
HEADERS = {
    "archive.h": "libarchive-dev",
    "bzlib.h": "libbz2-dev",
    "curl/curl.h": "libcurl4-openssl-dev",
    "erl_nif.h": "erlang-dev",
    "expat.h": "libexpat1-dev",
    "ffi.h": "libffi-dev",
    "git2.h": "libgit2-dev",
    "gmp.h": "libgmp-dev",
    "jpeglib.h": "libjpeg-dev",
    "libavcodec": "libavcodec-dev",
    "libavformat": "libavformat-dev",
    "libavutil": "libavutil-dev",
    "libpq-fe.h": "libpq-dev",
    "librdkafka": "librdkafka-dev",
    "libxml": "libxml2-dev",
    "libxslt": "libxslt1-dev",
    "lmdb.h": "liblmdb-dev",
    "lz4.h": "liblz4-dev",
    "lzma.h": "liblzma-dev",
    "magic.h": "libmagic-dev",
    "ncurses.h": "libncurses-dev",
    "openssl": "libssl-dev",
    "pcre2.h": "libpcre2-dev",
    "png.h": "libpng-dev",
    "readline": "libreadline-dev",
    "security": "libpam0g-dev",
    "sodium.h": "libsodium-dev",
    "sql.h": "unixodbc-dev",
    "sqlite3.h": "libsqlite3-dev",
    "systemd": "libsystemd-dev",
    "unicode": "libicu-dev",
    "uuid": "uuid-dev",
    "vips": "libvips-dev",
    "yaml.h": "libyaml-dev",
    "zlib.h": "zlib1g-dev",
    "zmq.h": "libzmq3-dev",
    "zstd.h": "libzstd-dev",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause; the named groups of ``pattern`` fill in ``what`` and ``how``.

    With ``in_the_project`` the place of the exception is where to fix it; a ``passing`` one may be gone next time.
    """

    pattern: re.Pattern[str]
    what: str
    how: str
    in_the_project: bool = False
    passing: bool = False

    def message(self, found: re.Match[str]) -> str:
        """Return what went wrong."""
        return self.what.format_map(_named(found))

    def hint(self, found: re.Match[str]) -> str:
        """Return how it is usually fixed."""
        return self.how.format_map(_named(found))


def _named(found: re.Match[str]) -> dict[str, str]:
    groups = {name: value or "" for name, value in found.groupdict().items()}
    if "header" in groups:
        header = groups["header"]
        groups["package"] = HEADERS.get(header) or HEADERS.get(header.partition("/")[0]) or "the package that has it"
    if "library" in groups:
        groups["package"] = f"lib{groups['library']}-dev"
    return groups


def _cause(pattern: str, what: str, how: str, *, in_the_project: bool = False, passing: bool = False) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE | re.MULTILINE), what, how, in_the_project, passing)


# What clients print when a network or a server doesn't answer.
UNANSWERED = (
    r"temporary failure (?:in name resolution|resolving)|could not resolve(?! [\"'])|no such host|nxdomain"
    r"|i/o timeout|network is unreachable|connection timed out|tls handshake timeout|:timeout\b|connection refused"
    r"|:econnrefused|failed to connect|service unavailable|too ?many ?requests|bad gateway|failed to fetch"
    r"|connection reset by peer|context deadline exceeded|received unexpected http status: 5\d\d"
)


def unanswered(output: str) -> bool:
    """Return whether a client failed because no server answered, so that the same call may work later."""
    return re.search(UNANSWERED, output, re.IGNORECASE) is not None


# What the C library, GNU C++ and the VM print; a step that was killed itself prints nothing.
OUT_OF_MEMORY = _cause(
    r"cannot allocate memory|virtual memory exhausted|signal terminated program cc1",
    "a process was killed: the engine ran out of memory",
    "give the engine's machine more memory, or compile fewer modules at once: builder.env {{ERL_FLAGS: '+S 2:2'}}",
)
# The first match counts: narrow patterns come first, what only follows from another cause last.
CAUSES = (
    _cause(
        r"no space left on device|\benospc\b",
        "no space left on the engine's disk",
        "docker system df shows what uses it; docker builder prune and docker image prune free it",
    ),
    OUT_OF_MEMORY,
    _cause(
        r"unable to start container process: .*(?:connection reset by peer|broken pipe|\bEOF)$",
        "the engine could not start the step's container: its runtime (runc) failed",
        "build again; if it fails again, see the engine's log (journalctl --unit docker)",
        passing=True,
    ),
    _cause(
        r"failed to create endpoint \S+ on network \S+",
        "the engine could not connect the step's container to a network",
        "restart the engine (sudo systemctl restart docker), which creates its networks again, then build again",
    ),
    _cause(
        r"qemu: uncaught target signal|qemu-\w+: .*signal",
        "the builder crashed under emulation (QEMU)",
        "build on an engine of the image's platform, or set builder.env {{ERL_AFLAGS: '+JMsingle true'}} (from OTP 26)",
    ),
    _cause(
        r'\(System\.EnvError\) could not fetch environment variable "(?P<variable>\w+)"',
        "the environment variable {variable} is read while the project is compiled, and the build doesn't have it",
        "read it when the release starts: move the line into config/runtime.exs; or, if the build needs it, add it to "
        "builder.secrets or builder.env in relbuild.yml",
        in_the_project=True,
    ),
    _cause(
        r"environment variable (?P<variable>[A-Z][A-Z0-9_]+) is missing",
        "the environment variable {variable} is read while the project is compiled, and the build doesn't have it",
        "read it when the release starts: move the line into config/runtime.exs",
        in_the_project=True,
    ),
    _cause(
        r"could not find hex, which is needed|^\*\* \(Mix\) the task \"hex\.|could not find an? scm for dependency",
        "Hex isn't in the builder image",
        "with toolchain: image, run `mix local.hex --force` in that image; else add erlang-hex (Debian 13 and newer) "
        "to builder.packages",
    ),
    _cause(
        r"is out of date and must be updated without the --check-locked|lock mismatch: the dependency is out of date",
        "mix.lock doesn't match mix.exs",
        "run mix deps.get and commit mix.lock",
    ),
    _cause(
        r"checksum mismatch|invalid hash|hash mismatch|mismatch against lock",
        "a package's checksum differs from the one in mix.lock",
        "was it published again, or does another repository answer? mix deps.unlock NAME && mix deps.get updates the "
        "entry: compare it before you commit it",
    ),
    _cause(
        r"failed to fetch record for [^\n]+ from registry[^\n]*\n[^\n]*don't have permissions"
        r"|no authenticated (?:user|organization) found|missing credentials for|failed to authenticate|unauthorized"
        r"|public key fingerprint mismatch|unknown repository",
        "a Hex repository refused access: it needs another key, or the package doesn't exist",
        "relbuild plan shows which variable the key is read from; mix hex.organization key NAME generate creates a key",
    ),
    _cause(
        "host key verification failed",
        "the ssh host key of a git dependency is unknown, or has changed",
        "connect once with ssh and compare the fingerprint with the published one, which adds it to known_hosts; or set"
        " SSH_KNOWN_HOSTS to the host's line",
    ),
    _cause(
        r"permission denied \(publickey",
        "the host of a git dependency accepts none of the keys in your ssh agent",
        "ssh-add -l lists them, ssh-add FILE adds one",
    ),
    _cause(
        "could not read username for|authentication failed for",
        "the build has no permission to fetch a git dependency",
        "add GIT_CREDENTIALS to builder.secrets: lines such as https://USER:TOKEN@github.com",
    ),
    # esbuild's words, and those of tailwind.
    _cause(
        r"""(?:could not|can't) resolve ["'](?P<module>[^"'./][^"']*)["']""",
        "the assets import {module}, which isn't installed",
        "add it to assets/package.json and its lock file, or to mix.exs if it comes with a dependency; the root's "
        "package.json is installed for commands of `assets:` in relbuild.yml that call Node",
    ),
    _cause(
        UNANSWERED,
        "the network or a server didn't answer",
        "try again; behind a proxy, configure it for the engine (~/.docker/config.json: proxies)",
        passing=True,
    ),
    _cause(
        r"unable to locate package (?P<package>\S+)|package '?(?P<other>[^\s']+)'? has no installation candidate",
        "Debian has no package {package}{other} in this release",
        "find its name in the image's Debian release at https://packages.debian.org, and correct builder.packages or "
        "runner.packages in relbuild.yml",
    ),
    _cause(
        r"(?P<header>[\w./-]+\.h): no such file or directory",
        "C code includes {header}, which the builder image doesn't have",
        "add {package} to builder.packages in relbuild.yml",
    ),
    _cause(
        r"cannot find -l(?P<library>[\w.+-]+)",
        "the linker can't find the library {library} in the builder image",
        "add its development package ({package}?) to builder.packages in relbuild.yml",
    ),
    _cause(
        r"sh: (?:line )?\d+: (?P<program>[\w+.-]+): (?:command )?not found"
        r"|(?:sh|bash): (?P<command>[\w+.-]+): command not found"
        r"|make(?:\[\d+\])?: (?P<called>[\w+.-]+): no such file or directory"
        r"|\"(?P<tool>make|gcc|cc|cmake|cargo|git|npm|rebar3?)\" not found in the path"
        r"|cannot run (?P<client>ssh)|need to have (?P<both>gcc and make) installed",
        "{program}{command}{called}{tool}{client}{both} isn't in the builder image",
        "add its package to builder.packages in relbuild.yml (build-essential for a C compiler and make)",
    ),
    _cause(
        r"no package with name (?P<package>\w+)",
        "there is no Hex package {package}, or the build has no access to it",
        "check its name; a package of an organization needs `organization: NAME` in mix.exs",
    ),
    _cause(
        r"failed to resolve source metadata for (?P<image>\S+):|pull access denied for (?P<private>[^,\s]+)",
        "the base image {image}{private} can't be pulled",
        "check that its tag exists and whether docker login is needed; relbuild plan shows why it was chosen, and "
        "relbuild lock finds an existing image of hexpm's",
    ),
    _cause(
        r"you're trying to run :(?P<app>\w+) on elixir v?(?P<elixir>\S+) but .* supports only elixir (?P<wanted>.+)",
        "{app} requires Elixir {wanted}, the builder image has {elixir}",
        "relbuild plan shows where the version comes from; elixir: in relbuild.yml overrides it",
    ),
    _cause(
        r"^\*\* \(Mix\) could not find application :(?P<app>\w+)$",
        "the release needs the application {app}, which isn't in the project, its dependencies, Elixir or OTP",
        "check its name in applications: and extra_applications in mix.exs; Debian splits OTP into packages, which "
        "builder.packages in relbuild.yml adds",
    ),
    _cause(
        r"could not compile dependency :(?P<dependency>\w+)",
        "the dependency {dependency} doesn't compile",
        "its error is above; check that its version supports this Elixir and OTP (relbuild plan shows them, "
        "mix hex.outdated {dependency} lists newer versions)",
    ),
)


def without_trust(registry: str, output: str) -> str | None:
    """Return what to do where docker's output shows that the engine can't reach a registry over TLS; None elsewhere."""
    if re.search(r"gave HTTP response to HTTPS client|first record does not look like a TLS handshake", output):
        return (
            f"{registry} speaks HTTP without TLS: give it a certificate, or add it to insecure-registries in the "
            "engine's daemon.json"
        )
    if re.search(r"x509: |certificate signed by unknown authority|failed to verify certificate", output):
        return (
            f"the engine doesn't trust the certificate of {registry}: put its CA on the engine's machine into "
            f"/etc/docker/certs.d/{registry}/ca.crt"
        )
    return None
