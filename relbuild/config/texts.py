"""The texts that relbuild.yml knows: names, versions, image references, endpoints; and what to do about a bad one."""

from __future__ import annotations

import re

from relbuild.config.kinds import Text

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = rf"(?:localhost|{_LABEL}(?:\.{_LABEL})+|{_LABEL}(?=:)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?"
_REPOSITORY = rf"(?:{_REGISTRY}/)?{_PART}(?:/{_PART})*"
_MIRROR = rf"{_REGISTRY}(?:/{_PART})*"
_TAG = r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"

_NUMBER = r"(?:0|[1-9][0-9]{0,3})"
ELIXIR_VERSION = rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER}(?:-rc\.{_NUMBER})?)?"
OTP_VERSION = rf"{_NUMBER}(?:\.{_NUMBER}){{0,3}}(?:-rc\.?[0-9]{{1,3}})?"
_GIT = r"(?:[A-Za-z]|ref:[A-Za-z0-9])[A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*"

_HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+\])"


def _repository_advice(text: str) -> str | None:
    if "@" in text:
        return f"leave out {text[text.index('@') :]!r}: a digest is known only after the build"
    _, colon, tag = text.rpartition(":")
    if colon and "/" not in tag:
        return f"leave out {':' + tag!r}: the tag is the release's version, or what -t says"
    small = text.split("://")[-1].lower()
    if small != text and re.fullmatch(_REPOSITORY, small):
        return f"write image: {small}"
    return None


def _reference_advice(text: str) -> str | None:
    if re.fullmatch(_REPOSITORY, text):
        return f"say which one, as in {text}:TAG or {text}@sha256:…: without a tag it is another image every month"
    if text != text.lower() and re.fullmatch(REFERENCE.pattern or "", text.lower()):
        return f"write {text.lower()} (a repository's name has small letters only)"
    return None


def _elixir_advice(text: str) -> str | None:
    found = re.fullmatch(rf"v?({ELIXIR_VERSION})(?:-otp-([0-9]+))?", text)
    if found and found[2]:
        return f"write elixir: {found[1]}, and the version of OTP {found[2]} as otp"
    return f"write elixir: {found[1]}" if found else None


def _debian_advice(text: str) -> str | None:
    if re.match(r"[0-9]", text):
        return "write the codename, such as debian: trixie for Debian 13"
    return None


def _env_advice(text: str) -> str | None:
    if re.search(r"[\r\n]", text):
        return "no Dockerfile can hold it: set it in rel/env.sh.eex, or for the target"
    return None


def _line_advice(text: str) -> str | None:
    if re.search(r"[\r\n]", text):
        return "put it on one line, with ; between expressions; after '>-' YAML joins lines itself"
    return None


def _endpoint_advice(text: str) -> str | None:
    if re.match(r"ssh://[^/@]*:[^/@]*@", text):
        return "leave the password out: ssh takes a key from your agent"
    if re.fullmatch(rf"tcp://{_HOST}", text):
        return f"write the port, as in {text}:2376"
    if "://" not in text and re.fullmatch(rf"(?:[A-Za-z0-9_]+@)?{_HOST}", text):
        return f"write host: ssh://{text}"
    return None


def _publish_advice(text: str) -> str | None:
    if re.fullmatch(_PORT, text):
        return f'write "{text}:{text}": the port outside, then the port in the container'
    return None


def _mirror_advice(text: str) -> str | None:
    bare = text.partition("://")[2].rstrip("/") if "://" in text else text.rstrip("/")
    if bare != text and re.fullmatch(_MIRROR, bare):
        return f"write registry_mirror: {bare}"
    return None


def _git_advice(text: str) -> str | None:
    if text.partition("://")[1] and "@" in text:
        return "leave the login out: whoever has the builder's cache could read it"
    return None


def _url_advice(text: str) -> str | None:
    if re.match(r"https?://[^/]*@", text):
        return "leave the login out: a key goes with auth: true"
    return None


RELEASE = Text("a release's name: small letters, digits and _, a letter first", r"[a-z][a-z0-9_]*")
REPOSITORY = Text(
    "an image's name without tag or digest, in small letters",
    _REPOSITORY,
    advice=_repository_advice,
)
REFERENCE = Text(
    "an image with its tag or digest",
    rf"{_REPOSITORY}(?:{_TAG}(?:{_DIGEST})?|{_DIGEST})",
    advice=_reference_advice,
)
# Those that Debian has images for; a variant that makes no difference, as in linux/arm64/v8, may be written.
PLATFORMS = "linux/amd64, linux/arm64, linux/arm/v7, linux/386, linux/ppc64le, linux/s390x, linux/riscv64"
PLATFORM = Text(
    f"a platform that Debian is there for ({PLATFORMS})",
    r"linux/(?:amd64(?:/v[1-4])?|arm64(?:/v8)?|arm(?:/v[5-7])?|386|ppc64le|s390x|riscv64)",
)
MIRROR = Text("a registry's name, with or without a path", _MIRROR, advice=_mirror_advice)
GIT_URL = Text(
    "a git repository's URL: https://, http:// or git://, without a login",
    r"(?:https?|git)://[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*/[A-Za-z0-9._~/+%-]+",
    private=True,
    advice=_git_advice,
)
ELIXIR = Text("a version such as 1.18.4", rf"(?:{ELIXIR_VERSION}|{_GIT})", advice=_elixir_advice)
OTP = Text("a version such as 27.3.4, or 27 for its newest", OTP_VERSION)
DEBIAN = Text(
    "a Debian codename, with or without a date: trixie, trixie-20260803",
    r"[a-z]+(?:-[0-9]{8})?",
    advice=_debian_advice,
)
# Debian policy 5.6.1, without a last "-", which tells apt-get to remove the package.
PACKAGE = Text(
    "a Debian package, with or without =VERSION",
    r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?:=[A-Za-z0-9][A-Za-z0-9.+~:-]*)?",
)
VARIABLE = Text("the name of an environment variable: letters, digits and _, no digit first", r"[A-Za-z_][A-Za-z0-9_]*")
SECRET = Text("the name of an environment variable, never its value", r"[A-Za-z_][A-Za-z0-9_]*", private=True)
# In sets such as [a-z] Go (path.Match) wants a character on both sides of a hyphen, or BuildKit refuses the whole file.
_SET = r"\[\^?(?:[^\]\\\-\n](?:-[^\]\\\-\n])?)+\]"
IGNORED = Text(
    "a pattern as .dockerignore has them, `!` before what is wanted all the same",
    rf"!?(?![\s#!])(?:[^\[\]\\\n]|\\.|{_SET})+(?<!\s)",
)
# A Dockerfile has no way to write a line break into ENV.
ENV_VALUE = Text("text on one line", empty=True, private=True, advice=_env_advice)
TARGET_ENV_VALUE = Text("text", lines=True, empty=True, private=True)
# Hex stores an organization's repository under hexpm:NAME, which organization: means.
REPO = Text("the name of a Hex repository, as in repo:", r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
URL = Text(
    "an address that begins with http:// or https://",
    r"https?://[A-Za-z0-9._~:/?%&=+,;-]+",
    private=True,
    advice=_url_advice,
)
COMMAND = Text("a shell command", lines=True)
EXPRESSION = Text("an Elixir expression on one line", advice=_line_advice)
HEALTH_PATH = Text("a URL's path that begins with /", r"/[A-Za-z0-9._~!$&'()*+,;=:@/%?-]*")
TARGET = Text("a target's name: small letters, digits, _ and -, a letter first", r"[a-z][a-z0-9_-]*")
ENDPOINT = Text(
    "an endpoint such as ssh://deploy@web1, tcp://10.0.0.1:2376 or unix:///run/docker.sock",
    rf"(?:ssh://(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?{_HOST}(?::{_PORT})?|tcp://{_HOST}:{_PORT}|unix:///[^\s]+)",
    advice=_endpoint_advice,
)
NODE = Text("a node's host name, as docker node ls shows it", r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
CONTEXT = Text("a context's name, without spaces", r"[^\s-][^\s]*")
NAMESPACE = Text(
    "a namespace: small letters, digits and -, at most 63",
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
)
SERVICE_NAME = Text(
    "a name of small letters, digits and -, a letter first, at most 40",
    r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?",
)
ROLE = Text("a role's name: small letters, digits and -, a letter first", r"[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?")
LABEL = Text("a label's name", r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
MEMORY = Text("an amount of memory such as 512m or 2g", r"[1-9][0-9]*[kmg]")
CPUS = Text("a number of CPUs such as 0.5 or 2", r"(?:[1-9][0-9]*(?:\.[0-9]{1,3})?|0\.[0-9]{0,2}[1-9])")
CONSTRAINT = Text("a placement constraint such as node.role == worker", r"[A-Za-z0-9_.-]+ ?(?:==|!=) ?[^\s=!][^=!]*")
NETWORK = Text("a network's name", r"[A-Za-z0-9][A-Za-z0-9_.-]*")
PUBLISH = Text(
    "OUTSIDE:INSIDE, with or without an address before and /tcp or /udp after",
    rf"(?:{_ADDRESS}:)?{_PORT}:{_PORT}(?:/(?:tcp|udp))?",
    advice=_publish_advice,
)
FILE = Text("a file's path")
