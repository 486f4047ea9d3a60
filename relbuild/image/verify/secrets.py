"""Secrets in an image's files, what of a secret file is secret, and values in the project that look like secrets."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from relbuild.errors import Mark
from relbuild.image.filesystem import Layer
from relbuild.image.findings import Finding

# A shorter value (in characters), or one that may be a word, is in some file by chance.
SHORTEST = 12
WORD = re.compile(r"[A-Za-z_-]{,15}")
# RFC 7468: a private key's header, and enough of its base64 that it is no mere mention of one.
PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\r?\n(?:[A-Za-z-]+: [^\r\n]*\r?\n|\r?\n)*[A-Za-z0-9+/=]{40,}"
)
# What distributions ship below these are their own examples and tests.
DISTRIBUTION = ("usr/lib/", "usr/share/", "lib/", "etc/ssl/private/ssl-cert-snakeoil.key")
ENV_FILE = re.compile(r"(?:.*/)?\.env(?:\.(?!example$|sample$|template$|dist$|default$)[^/]*)?")
# Environment variables that hold a secret by their name; _FILE names a file that has it.
SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE_KEY|API_?KEY|ACCESS_KEY|COOKIE")
CERTAIN = ("SECRET_KEY_BASE", "RELEASE_COOKIE")
URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")
# BuildKit's and the old builder's history of a RUN with build arguments: |2 NAME=value OTHER=value /bin/sh -c …
ARGUMENTS = re.compile(r"\|\d+ ((?:\w+=\S* )+)")
BEAM, GZIP = b"FOR1", b"\x1f\x8b"
# What is looked at of a module that is packed (bytes, unpacked): more than any has.
LARGEST_MODULE = 64 * 1024 * 1024
COOKIE_FLAG = re.compile(rb"^\s*-setcookie\s+\S", re.MULTILINE)
# A shell's assignment, where a command may stand: not what a message or a comment tells of it.
COOKIE_ASSIGNED = re.compile(
    rb"""(?:^|[;&|({)]|\b(?:then|else|do)\b)[ \t]*(?:(?:export|readonly)[ \t]+)?(?:[A-Za-z_]\w*=[^\s;&|]*[ \t]+)*"""
    rb"""RELEASE_COOKIE=(?:'(?P<quoted>[^'\n]+)'|"(?P<double>[^"\n]*)"|(?P<bare>[^\s;&|()<>"']+))(?=[\s;&|)]|$)""",
    re.MULTILINE,
)
COOKIE_DEFAULT = re.compile(rb"\$\{RELEASE_COOKIE:?=(?P<value>[^}]*)\}")
# What a parameter expansion gives where its variable isn't set: ${NAME:-default}.
DEFAULT = re.compile(rb"\$\{\w+:?[-=](?P<value>[^}]*)\}")
COMMENT = re.compile(rb"(?:^|(?<=\s))#.*", re.MULTILINE)

Kind = Literal["secret", "key", "env file", "cookie", "variable", "url"]


@dataclass(frozen=True, slots=True)
class Leak:
    """Something secret in an image; ``where`` is a path or a part of the configuration, ``name`` a variable's.

    ``layer`` is counted from the lowest, None in the configuration; ``deleted`` tells that a later layer hides the
    file, ``certain`` that it is no mere suspicion.
    """

    kind: Kind
    where: str
    name: str = ""
    layer: int | None = None
    deleted: bool = False
    certain: bool = True


class Needles:
    """The values of the secrets that the build was given, as they are looked for; a secret may have several."""

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = tuple(
            (name, value.strip().encode())
            for name, several in values.items()
            for value in several
            if len(value.strip()) >= SHORTEST and not WORD.fullmatch(value.strip())
        )

    def __bool__(self) -> bool:
        return bool(self._values)

    def in_bytes(self, content: bytes) -> Iterator[tuple[int, str]]:
        """Yield where each secret's value stands, and its name."""
        for name, value in self._values:
            # A mapped file is searched from where it was last read, unless told.
            at = content.find(value, 0)
            while at >= 0:
                yield at, name
                at = content.find(value, at + len(value))

    def in_beam(self, content: bytes) -> Iterator[str]:
        """Yield the secrets that a compiled module holds packed: its literals, by the compiler's zlib, or all of it.

        Mix packs whole modules with gzip where a release has ``strip_beams: [compress: true]``.
        """
        module = _gunzipped(content) if content.startswith(GZIP) else content
        literals = _literals(module)
        packed = literals if module is content else module + literals
        yield from dict.fromkeys(name for _, name in self.in_bytes(packed)) if packed else ()

    def in_text(self, text: str) -> Iterator[str]:
        """Yield the names of the secrets in a text."""
        yield from dict.fromkeys(name for _, name in self.in_bytes(text.encode()))


def private_keys(content: bytes) -> Iterator[int]:
    """Yield where private keys begin."""
    at = content.find(b"PRIVATE KEY-----", 0)
    while at >= 0:
        line = content.rfind(b"-----BEGIN", max(at - 64, 0), at)
        if line >= 0 and PRIVATE_KEY.match(content, line):
            yield line
        at = content.find(b"PRIVATE KEY-----", at + 16)


def secret_files(layer: Layer, index: int, root: str) -> Iterator[Leak]:
    """Yield what a file's name gives away; ``root`` is the release's directory."""
    for path, entry in layer.items():
        if entry.kind not in ("file", "hardlink") or not entry.size:
            continue
        if path == f"{root}/releases/COOKIE".lstrip("/"):
            yield Leak("cookie", path, layer=index)
        elif ENV_FILE.fullmatch(path) and not path.startswith(DISTRIBUTION):
            yield Leak("env file", path, layer=index)


def has_cookie(vm_args: bytes) -> bool:
    """Return whether a release's vm.args gives the VM a cookie."""
    return COOKIE_FLAG.search(vm_args) is not None


def sets_cookie(env_sh: bytes) -> bool:
    """Return whether a release's env.sh holds a cookie that it gives the VM, be it where the environment has none."""
    script = COMMENT.sub(b"", env_sh)
    values = [each["value"] for each in COOKIE_DEFAULT.finditer(script)]
    for each in COOKIE_ASSIGNED.finditer(script):
        if each["quoted"]:
            return True
        value = each["double"] or each["bare"] or b""
        default = DEFAULT.fullmatch(value)
        values.append(value if default is None else default["value"])
    # What the shell puts together is no cookie of the file's: another variable, a command's output, a file's content.
    return any(value.strip(b"\"'") and not re.search(rb"[$`]", value) for value in values)


def configuration_leaks(
    env: Mapping[str, str], history: Iterable[str], texts: Iterable[str], needles: Needles
) -> Iterator[Leak]:
    """Yield what is in the image's environment, its history and its other texts, such as its labels."""
    for name, value in env.items():
        yield from _variable("environment", name, value)
        yield from (Leak("secret", f"environment: {name}", secret) for secret in needles.in_text(value))
    for line in history:
        for words in ARGUMENTS.findall(line):
            for word in words.split():
                yield from _variable("history", *word.split("=", 1))
        yield from (Leak("secret", "history", secret) for secret in needles.in_text(line))
    for text in texts:
        yield from (Leak("secret", "label", secret) for secret in needles.in_text(text))


def _variable(where: str, name: str, value: str) -> Iterator[Leak]:
    if not value or name.endswith("_FILE"):
        return
    if URL_PASSWORD.match(value):
        yield Leak("url", where, name)
    elif name in CERTAIN:
        yield Leak("variable", where, name)
    elif SECRET_NAME.search(name.upper()):
        yield Leak("variable", where, name, certain=False)


def _gunzipped(content: bytes) -> bytes:
    """Return the compiled module that is packed in a file, up to a limit; nothing where something else is."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        start = unpacking.decompress(content, len(BEAM))
        if start != BEAM:
            return b""
        return start + unpacking.decompress(unpacking.unconsumed_tail, LARGEST_MODULE)
    except zlib.error:
        return b""


def _literals(content: bytes) -> bytes:
    """Return a module's literals: its chunk LitT, their size first, 0 where they aren't packed (ERTS: beam_file.c)."""
    if not content.startswith(BEAM):
        return b""
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8])
        if content[at : at + 4] == b"LitT":
            unpacked, packed = int.from_bytes(content[at + 8 : at + 12]), content[at + 12 : at + 8 + size]
            try:
                return zlib.decompress(packed) if unpacked else packed
            except zlib.error:
                return b""
        at += 8 + (size + 3) // 4 * 4
    return b""


def judge_leaks(leaks: Iterable[Leak], *, own: bool) -> Iterator[Finding]:
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
    out = (
        "builder: {ignore: [PATH]} in relbuild.yml"
        if own
        else "name it in .dockerignore, or don't COPY it in the Dockerfile"
    )
    what, hint = {
        "secret": (
            f"holds the value of the build's secret {leak.name}",
            "is it read while the project is compiled, into a module or a configuration? Use it in the RUN that needs "
            "it, and nowhere else",
        ),
        "key": ("holds a private key", f"renew it, and leave it out: {out}"),
        "env file": ("is a file of variables", f"leave it out: {out}"),
    }[leak.kind]
    return Finding("secrets", "failed", f"{where} {what}", hint)


# RFC 7468. The lines may be written as \n, as in npm's `key`. What isn't a private key is public: certificates, CRLs.
_PEM = re.compile(r"-----BEGIN (?P<what>[A-Z0-9 ]+)-----(?P<body>(?:(?!-----).)*)-----END (?P=what)-----", re.DOTALL)
_BREAK = re.compile(r"\r?\n|\\r\\n|\\n")
# Before an encrypted key: Proc-Type: 4,ENCRYPTED.
_KEY_HEADER = re.compile(r"[A-Za-z-]+: .*")
# npm's _authToken, _auth and _password, Yarn's npmAuthToken and npmAuthIdent, Bun's token and password, and what other
# programs' settings call alike.
_SETTING = re.compile(
    r"""(?:auth|auth_?token|auth_?ident|token|password|passwd|secret|(?:auth|api|access|private)_?key)["']?"""
    r"""[ \t]*(?:[=:]|=>)[ \t]*(?P<quote>["']?)(?P<value>[^\s"',;#}]+)""",
    re.IGNORECASE,
)
# netrc: `password VALUE`, on a line of its own or after others.
_NETRC = re.compile(r"(?:^|\s)password[ \t]+\"?(?P<value>[^\s\"=:]+)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:(?P<value>[^/\s@]+)@")
# What is as short as that (in letters) and all letters may be a word, which other files contain: postgres.
_WORD = re.compile(r"[A-Za-z_-]{,15}")


def secret_parts(text: str) -> tuple[str, ...]:
    """Return what of a file of settings, logins or keys is secret; nothing of one that is public, such as a CA bundle.

    A value that names a variable, such as ``${NPM_TOKEN}``, is none, nor is one that may be a word.
    """
    found = [each for key in _PEM.finditer(text) for each in _key(key["what"], key["body"])]
    settings = _PEM.sub("", text)
    for pattern in (_SETTING, _NETRC, _URL):
        found += [each["value"] for each in pattern.finditer(settings)]
    return tuple(dict.fromkeys(each for each in found if not (each.startswith("$") or _WORD.fullmatch(each))))


def _key(what: str, body: str) -> Iterator[str]:
    """Yield a private key's base64 in the forms it may have been copied in: with its lines, with \\n, in one."""
    if not what.endswith("PRIVATE KEY"):
        return
    lines = [line.strip() for line in _BREAK.split(body)]
    lines = [line for line in lines if line and not _KEY_HEADER.fullmatch(line)]
    for between in ("\n", "\\n", ""):
        yield between.join(lines)


# Files of variables for development and tests, and those that people copy.
_HARMLESS = {
    "ci", "default", "defaults", "dev", "development", "dist", "example", "sample", "schema", "template", "test",
}  # fmt: skip
_ASSIGNED = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*)")
_CONFIGURED = re.compile(r"""\b(?P<name>[a-z_]\w*)(?::|\s*=>?)\s*(?P<value>"[^"#\n]*")""")
# The secret's value is elsewhere: a variable, a command, a vault.
_REFERENCE = re.compile(r"\$|<|\{\{|(?:op|vault|sm|ssm|awssm|gcpsm|azurekeyvault|keyring|bws|doppler|infisical|file|env)://|"
                        r"(?:ref\+|vault:|arn:|projects/|!|ENC\[|age1|encrypted:|/)")  # fmt: skip
_PLACEHOLDER = re.compile(
    r"(?i)change|replace|your|example|placeholder|dummy|fake|insecure|default|sample|secret$|test|todo|fixme|"
    r"x{3,}|\*{3,}|\.{3,}|postgres$|password$|foobar|localhost"
)
# https://docs.github.com/en/code-security/secret-scanning and the services' own documentation.
_TOKEN = re.compile(
    r"gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|AKIA[0-9A-Z]{16}|sk_live_\w{16,}|rk_live_\w{16,}|"
    r"xox[abprs]-[\w-]{10,}|SG\.[\w-]{16,}\.[\w-]{16,}|AIza[\w-]{35}|npm_\w{30,}|dop_v1_\w{40,}"
)
_LOGIN = re.compile(r"\w[\w+.-]*://[^/\s:@]*:(?P<password>[^/\s@]+)@(?P<host>[^/:\s]+)")
_LOCAL_HOST = re.compile(r"localhost|127\.|0\.0\.0\.0|\[?::1|host\.docker\.internal|[a-z_-]+$")
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\\n|$)")
_SHORTEST = 12


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A value that looks like a secret: its kind, such as "a password in a URL", the name it has, and its place."""

    kind: str
    name: str
    at: Mark


def may_hold_secrets(path: str) -> bool:
    """Return whether a file of this path is one for the secrets of production, by its name."""
    name = path.rpartition("/")[2]
    if name == "prod.secret.exs":
        return True
    first, *parts = name.removeprefix(".").split(".")
    return name.startswith(".env") and first in ("env", "envrc") and _HARMLESS.isdisjoint(parts)


def secret_values(path: str, text: str) -> Iterator[SecretValue]:
    """Yield the values in a file that look like secrets, at most one a line."""
    pattern = _CONFIGURED if path.endswith(".exs") else _ASSIGNED
    for number, line in enumerate(text.splitlines(), 1):
        found = None if line.lstrip().startswith("#") else pattern.search(line)
        if found is None:
            continue
        value = re.sub(r"\s+#.*", "", found["value"]).strip().strip("\"'")
        kind = _kind(found["name"], value)
        if kind is not None:
            yield SecretValue(kind, found["name"], Mark(path, number, found.start("name") + 1))


def _kind(name: str, value: str) -> str | None:
    """Return the kind of secret that a value looks like; None for what doesn't."""
    if _PRIVATE_KEY.search(value):
        return "a private key"
    if _TOKEN.search(value):
        return "an access token"
    if _REFERENCE.match(value):
        return None
    login = _LOGIN.search(value)
    if login is not None:
        local = _LOCAL_HOST.match(login["host"]) or _REFERENCE.match(login["password"])
        return None if local or _PLACEHOLDER.search(login["password"]) else "a password in a URL"
    if not SECRET_NAME.search(name.upper()) or len(value) < _SHORTEST or " " in value:
        return None
    varied = len(set(value)) >= 8 and bool(re.search(r"[0-9]", value))
    return "a secret's value" if varied and not _PLACEHOLDER.search(value) else None
