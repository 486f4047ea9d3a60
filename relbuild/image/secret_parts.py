"""What of a file is secret: the tokens and passwords of settings, private keys; not certificates and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

# RFC 7468. The lines may be written as \n, as in npm's `key`. What isn't a private key is public: certificates, CRLs.
_PEM = re.compile(r"-----BEGIN (?P<what>[A-Z0-9 ]+)-----(?P<body>(?:(?!-----).)*)-----END (?P=what)-----", re.DOTALL)
_BREAK = re.compile(r"\r?\n|\\r\\n|\\n")
# Before an encrypted key: Proc-Type: 4,ENCRYPTED.
_HEADER = re.compile(r"[A-Za-z-]+: .*")
# npm's _authToken, _auth and _password, Yarn's npmAuthToken and npmAuthIdent, Bun's token and password, and what other
# programs' settings call alike.
_NAMED = re.compile(
    r"""(?:auth|auth_?token|auth_?ident|token|password|passwd|secret|(?:auth|api|access|private)_?key)["']?"""
    r"""[ \t]*(?:[=:]|=>)[ \t]*(?P<quote>["']?)(?P<value>[^\s"',;#}]+)""",
    re.IGNORECASE,
)
# netrc: `password VALUE`, on a line of its own or after others.
_NETRC = re.compile(r"(?:^|\s)password[ \t]+\"?(?P<value>[^\s\"=:]+)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:(?P<value>[^/\s@]+)@")
# What is as short as that (in letters) and all letters may be a word, which stands in files of others: postgres.
_WORD = re.compile(r"[A-Za-z_-]{,15}")


def parts(text: str) -> tuple[str, ...]:
    """Return what of a file of settings, logins or keys is secret; nothing of one that is public, such as a CA bundle.

    A value that names a variable, such as ``${NPM_TOKEN}``, is none, nor is one that may be a word.
    """
    found = [each for key in _PEM.finditer(text) for each in _key(key["what"], key["body"])]
    settings = _PEM.sub("", text)
    for pattern in (_NAMED, _NETRC, _URL):
        found += [each["value"] for each in pattern.finditer(settings)]
    return tuple(dict.fromkeys(each for each in found if not (each.startswith("$") or _WORD.fullmatch(each))))


def _key(what: str, body: str) -> Iterator[str]:
    """Yield a private key's base64 in the forms it may have been copied in: with its lines, with \\n, in one."""
    if not what.endswith("PRIVATE KEY"):
        return
    lines = [line.strip() for line in _BREAK.split(body)]
    lines = [line for line in lines if line and not _HEADER.fullmatch(line)]
    for between in ("\n", "\\n", ""):
        yield between.join(lines)
