"""The values in a project's files that look like secrets, by the kind of each and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from relbuild.errors import Mark
from relbuild.image.verify.leaks import SECRET_NAME

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
