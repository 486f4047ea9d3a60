"""The well-known causes of a failed build: how they are told from the output, and what usually mends them."""

from __future__ import annotations

import re

from relbuild.values import dataclass

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
    """One cause; ``what`` and ``hint`` are filled with the pattern's named groups.

    ``in_the_project`` tells that the exception's own place is where to mend it, ``passing`` that the same build may
    work later.
    """

    pattern: re.Pattern[str]
    what: str
    hint: str
    in_the_project: bool = False
    passing: bool = False

    def said(self, found: re.Match[str]) -> str:
        """Return what went wrong."""
        return self.what.format_map(_named(found))

    def mending(self, found: re.Match[str]) -> str:
        """Return what usually mends it."""
        return self.hint.format_map(_named(found))


def _named(found: re.Match[str]) -> dict[str, str]:
    groups = {name: value or "" for name, value in found.groupdict().items()}
    if "header" in groups:
        header = groups["header"]
        groups["package"] = HEADERS.get(header) or HEADERS.get(header.partition("/")[0]) or "the package that has it"
    if "library" in groups:
        groups["package"] = f"lib{groups['library']}-dev"
    return groups


def _cause(pattern: str, what: str, hint: str, *, in_the_project: bool = False, passing: bool = False) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE | re.MULTILINE), what, hint, in_the_project, passing)


# What clients say of a network or a server that doesn't answer now.
UNANSWERED = (
    r"temporary failure (?:in name resolution|resolving)|could not resolve(?! [\"'])|no such host|nxdomain"
    r"|i/o timeout|network is unreachable|connection timed out|tls handshake timeout|:timeout\b|connection refused"
    r"|:econnrefused|failed to connect|service unavailable|too ?many ?requests|bad gateway|failed to fetch"
    r"|connection reset by peer|context deadline exceeded|received unexpected http status: 5\d\d"
)


def unanswered(said: str) -> bool:
    """Tell whether a client failed as no server answered it, so that the same call may work later."""
    return re.search(UNANSWERED, said, re.IGNORECASE) is not None


# The first that is found counts: the narrow ones come first, and what only follows from another comes last.
CAUSES = (
    _cause(
        r"no space left on device|\benospc\b",
        "no space left on the engine's disk",
        "docker system df shows what takes it; docker builder prune and docker image prune free it",
    ),
    _cause(
        r"exit code: 137\b|cannot allocate memory|\(signal: killed\)|virtual memory exhausted"
        r"|signal terminated program cc1",
        "a process was killed: the engine has run out of memory",
        "give the engine's machine more memory, or compile less at once: builder.env {{ERL_FLAGS: '+S 2:2'}}",
    ),
    _cause(
        r"unable to start container process: .*(?:connection reset by peer|broken pipe|\bEOF)$",
        "the engine could not start the step's container: its runtime (runc) broke off",
        "build again; where it comes again and again, the engine's own log says more (journalctl --unit docker)",
        passing=True,
    ),
    _cause(
        r"failed to create endpoint \S+ on network \S+",
        "the engine could not give the step's container a network",
        "restart the engine (sudo systemctl restart docker), which makes its networks anew, then build again",
    ),
    _cause(
        r"qemu: uncaught target signal|qemu-\w+: .*signal",
        "the builder crashed under emulation (QEMU)",
        "build on an engine of the image's own platform; else builder.env {{ERL_AFLAGS: '+JMsingle true'}} (OTP 26+)",
    ),
    _cause(
        r'\(System\.EnvError\) could not fetch environment variable "(?P<variable>\w+)"',
        "the environment variable {variable} is read while the project is compiled, and the build doesn't have it",
        "read it when the release starts: move the line into config/runtime.exs; or, if it belongs to the build, "
        "name it in builder.secrets or builder.env of relbuild.yml",
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
        "with toolchain: image its Dockerfile needs `mix local.hex --force`; else add erlang-hex (Debian 13 and newer) "
        "to builder.packages",
    ),
    _cause(
        r"is out of date and must be updated without the --check-locked|lock mismatch: the dependency is out of date",
        "mix.lock doesn't fit mix.exs",
        "run mix deps.get and commit mix.lock",
    ),
    _cause(
        r"checksum mismatch|invalid hash|hash mismatch|mismatch against lock",
        "a package isn't the one that mix.lock names: its checksum differs",
        "was it published anew, or does another repository answer? mix deps.unlock NAME && mix deps.get renews the "
        "entry: compare it before it is committed",
    ),
    _cause(
        r"failed to fetch record for [^\n]+ from registry[^\n]*\n[^\n]*don't have permissions"
        r"|no authenticated (?:user|organization) found|missing credentials for|failed to authenticate|unauthorized"
        r"|public key fingerprint mismatch|unknown repository",
        "a Hex repository refused the build: it needs a key or takes another one, or there is no such package",
        "relbuild plan shows which variable its key is taken from; mix hex.organization key NAME generate makes one",
    ),
    _cause(
        "host key verification failed",
        "a git dependency's host isn't known, or has another key than the one that is",
        "connect to it once with ssh and compare its key's fingerprint with the one it publishes: known_hosts then has "
        "it; or give its line in SSH_KNOWN_HOSTS",
    ),
    _cause(
        r"permission denied \(publickey",
        "a git dependency's host takes none of the keys in your ssh agent",
        "ssh-add -l shows which they are, ssh-add FILE adds one",
    ),
    _cause(
        "could not read username for|authentication failed for",
        "a git dependency can't be fetched: the build isn't allowed to",
        "give GIT_CREDENTIALS under builder.secrets: lines such as https://USER:TOKEN@github.com",
    ),
    # esbuild's words, and those of tailwind.
    _cause(
        r"""(?:could not|can't) resolve ["'](?P<module>[^"'./][^"']*)["']""",
        "the assets use {module}, which isn't installed",
        "add it to assets/package.json and its lock file, or to mix.exs where it is a dependency's; what the root's "
        "package.json has is installed for a command of `assets:` in relbuild.yml that calls Node",
    ),
    _cause(
        UNANSWERED,
        "the network or a server didn't answer",
        "try again; behind a proxy give the engine HTTP_PROXY, HTTPS_PROXY and NO_PROXY "
        "(~/.docker/config.json: proxies)",
        passing=True,
    ),
    _cause(
        r"unable to locate package (?P<package>\S+)|package '?(?P<other>[^\s']+)'? has no installation candidate",
        "this Debian release has no package {package}{other}",
        "builder.packages and runner.packages in relbuild.yml are named as in the image's Debian release: "
        "https://packages.debian.org finds the name",
    ),
    _cause(
        r"(?P<header>[\w./-]+\.h): no such file or directory",
        "C code needs the header {header}, which the builder image lacks",
        "add {package} to builder.packages in relbuild.yml",
    ),
    _cause(
        r"cannot find -l(?P<library>[\w.+-]+)",
        "the linker finds no library {library} in the builder image",
        "add its development package ({package}?) to builder.packages in relbuild.yml",
    ),
    _cause(
        r"sh: (?:line )?\d+: (?P<program>[\w+.-]+): (?:command )?not found"
        r"|(?:sh|bash): (?P<command>[\w+.-]+): command not found"
        r"|make(?:\[\d+\])?: (?P<called>[\w+.-]+): no such file or directory"
        r"|\"(?P<tool>make|gcc|cc|cmake|cargo|git|npm|rebar3?)\" not found in the path"
        r"|cannot run (?P<client>ssh)|need to have (?P<both>gcc and make) installed",
        "{program}{command}{called}{tool}{client}{both} isn't in the builder image",
        "add the package that has it to builder.packages in relbuild.yml (build-essential for a C compiler and make)",
    ),
    _cause(
        r"no package with name (?P<package>\w+)",
        "there is no Hex package {package}, or none that the build may see",
        "is its name right? One of an organization needs `organization: NAME` in mix.exs: relbuild asks for its key",
    ),
    _cause(
        r"failed to resolve source metadata for (?P<image>\S+):|pull access denied for (?P<private>[^,\s]+)",
        "the base image {image}{private} can't be had",
        "does its tag exist, and is docker login needed? relbuild plan shows why it was chosen; of hexpm's images "
        "relbuild lock finds one that is there",
    ),
    _cause(
        r"you're trying to run :(?P<app>\w+) on elixir v?(?P<elixir>\S+) but .* supports only elixir (?P<wanted>.+)",
        "{app} wants Elixir {wanted}, the builder image has {elixir}",
        "relbuild plan shows what decided the version; elixir: in relbuild.yml decides otherwise",
    ),
    _cause(
        r"^\*\* \(Mix\) could not find application :(?P<app>\w+)$",
        "the release needs the application {app}, which is neither the project's nor a dependency's, Elixir's or OTP's",
        "is its name right, in applications: of the release and in extra_applications of mix.exs? Debian has OTP's in "
        "several packages: builder.packages in relbuild.yml adds one",
    ),
    _cause(
        r"could not compile dependency :(?P<dependency>\w+)",
        "the dependency {dependency} doesn't compile",
        "its own message is above; does its version support this Elixir and OTP? relbuild plan shows them, "
        "mix hex.outdated {dependency} newer ones",
    ),
)
