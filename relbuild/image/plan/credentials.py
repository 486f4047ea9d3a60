"""What fetching the dependencies needs that only the one who builds has: keys of Hex repositories, an ssh agent."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relbuild.config import Config
from relbuild.errors import ConfigError, Mark
from relbuild.mix.assets.package_managers import SettingVariable
from relbuild.mix.lock import Resolved

# Where Hex keeps the keys it is given while it fetches: a tmpfs, which no layer has.
HEX_HOME = "/run/hex"
KNOWN_HOSTS = "SSH_KNOWN_HOSTS"
GIT_CREDENTIALS = "GIT_CREDENTIALS"
# Variables whose value is the name of a file; the build is given the file.
FILES = frozenset(
    {
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "HEX_CACERTS_PATH",
        "NODE_EXTRA_CA_CERTS",
        "NPM_CONFIG_USERCONFIG",
        "SSL_CERT_FILE",
    }
)
# git user:password@host, or ssh://host; the first has no scheme.
_SSH = re.compile(r"(?:git\+)?ssh://|[^/:]+@[^/:]+:|[^/:@]+:(?!//)")


_SSH_HOST = re.compile(r"(?:(?:git\+)?ssh://)?(?:[^/@]*@)?(?P<host>(?:\[[^]]*\]|[^/:]+)(?::[0-9]+(?=/|$))?)")


@dataclass(frozen=True, slots=True)
class Secret:
    """A BuildKit secret: its id is the environment variable that holds its value, or names its file where `is_file`.

    Where that isn't set, one of `files` is taken, ``~`` being the user's home. `reason` says what needs it. One that is
    not `exported` is only read where it is mounted.
    """

    name: str
    reason: str
    at: Mark | None = None
    is_file: bool = False
    exported: bool = True
    files: tuple[str, ...] = ()
    hint: str = ""

    @property
    def export(self) -> tuple[str, ...]:
        """The shell's lines that put it into a build step's environment, where no layer keeps it."""
        if not self.exported:
            return ()
        if self.is_file:
            return (f"export {self.name}=/run/secrets/{self.name}",)
        return (f'{self.name}="$(cat /run/secrets/{self.name})"', f"export {self.name}")


@dataclass(frozen=True, slots=True)
class DependencyAccess:
    """How the dependencies are reached: what the step that fetches them is given and does first.

    `ssh` are the dependencies that need the user's ssh agent. `files` are public keys, of the project.
    """

    secrets: tuple[Secret, ...] = ()
    ssh: tuple[Resolved, ...] = ()
    logins: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def tells_hex(self) -> bool:
        """Whether Hex gets keys, which it writes into HEX_HOME."""
        return any(HEX_HOME in login for login in self.logins)

    @property
    def packages(self) -> tuple[str, ...]:
        """The Debian packages it needs."""
        return ("openssh-client",) if self.ssh else ()

    @property
    def over_ssh(self) -> str:
        """Which dependencies are fetched over ssh, in words."""
        return f"{_listed([dep.app for dep in self.ssh])} {'is' if len(self.ssh) == 1 else 'are'} fetched over ssh"


def own_secrets(config: Config) -> tuple[Secret, ...]:
    """Return the secrets that relbuild.yml names; every step is given them."""
    return tuple(
        Secret(
            name,
            "builder.secrets in relbuild.yml",
            config.marks.get(f"builder.secrets[{index}]"),
            is_file=name in FILES,
            exported=name != GIT_CREDENTIALS,
            hint=f"export {name}=… before relbuild image",
        )
        for index, name in enumerate(config.builder.secrets)
    )


def of_settings(variables: Iterable[SettingVariable], config: Config) -> tuple[Secret, ...]:
    """Return the secrets that settings of a package manager name, but for what relbuild.yml gives already."""
    given = {*config.builder.secrets, *config.builder.env}
    return tuple(
        Secret(
            each.name,
            f"{each.at.file} takes it from the environment",
            each.at,
            is_file=each.name in FILES,
            hint=f"export {each.name}=… before relbuild image; builder.env in relbuild.yml gives what is no secret",
        )
        for each in variables
        if not each.optional and each.name not in given
    )


def plan_access(dependencies: tuple[Resolved, ...], config: Config) -> DependencyAccess:
    """Decide how the dependencies are reached.

    A step of the user's own in before_deps that logs in to Hex, or knows hosts, is left to do it. Raises ConfigError
    for a repository that relbuild.yml gives no address of.
    """
    by_hand = "\n".join(config.builder.steps.before_deps)
    secrets: list[Secret] = []
    logins: list[str] = []
    files: list[str] = []
    if not re.search(r"hex\.(?:organization|repo)\b", by_hand):
        for name, dep in _repositories(dependencies):
            secret, login, key_file = _login(name, dep, config)
            secrets += [secret] if secret and secret not in secrets else []
            files += [key_file] if key_file else []
            logins += [login] if login else []
    if logins:
        logins.insert(0, f"export HEX_HOME={HEX_HOME}")
    if GIT_CREDENTIALS in config.builder.secrets:
        logins += _git_credentials()
    ssh = tuple(dep for dep in dependencies if dep.git is not None and _SSH.match(dep.git))
    if ssh and "known_hosts" not in by_hand:
        secrets.append(_known_hosts(ssh))
        options = f"-o UserKnownHostsFile=/run/secrets/{KNOWN_HOSTS} -o StrictHostKeyChecking=yes"
        logins.append(f"export GIT_SSH_COMMAND={shlex.quote(f'ssh {options}')}")
    return DependencyAccess(tuple(secrets), ssh, tuple(logins), tuple(files))


def _repositories(dependencies: Iterable[Resolved]) -> Iterator[tuple[str, Resolved]]:
    """Yield each Hex repository with the first dependency that is from it.

    An organization's lies below the public one's address (Hex's `Hex.Repo`), which is yielded with it, and before it.
    """
    first: dict[str, Resolved] = {}
    for dep in dependencies:
        if dep.repo is not None:
            first.setdefault(dep.repo, dep)
            first.setdefault(dep.repo.partition(":")[0], dep)
    return ((name, first[name]) for name in sorted(first))


def _login(name: str, dep: Resolved, config: Config) -> tuple[Secret | None, str | None, str | None]:
    """Return the key of a repository, the command that makes it known to Hex, and its public key's file."""
    hexpm, _, organization = name.partition(":")
    if organization and hexpm == "hexpm":
        secret = _key(organization, f"{dep.app} is a package of the Hex organization {organization}", dep.at)
        hint = (
            f"mix hex.organization key {organization} generate makes one; export {secret.name}=… before relbuild image"
        )
        secret = Secret(secret.name, secret.reason, secret.at, hint=hint)
        return secret, f'mix hex.organization auth {shlex.quote(organization)} --key "${secret.name}"', None
    repository = config.builder.repos.get(name)
    if repository is None:
        if name == "hexpm":
            return None, None, None
        raise ConfigError(
            f"{dep.app} is from the Hex repository {name}, and its address isn't known",
            at=dep.at,
            hint=f"write into relbuild.yml: builder: {{repos: {{{name}: {{url: https://…, public_key: {name}.pem}}}}}}",
        )
    command = ["mix", "hex.repo", "add", shlex.quote(name), shlex.quote(repository.url)]
    key_file = None
    if repository.public_key is not None:
        is_fingerprint = repository.public_key.startswith("SHA256:")
        key_file = None if is_fingerprint else repository.public_key
        command += ["--fetch-public-key" if is_fingerprint else "--public-key", shlex.quote(repository.public_key)]
    if not repository.auth:
        return None, " ".join(command), key_file
    secret = _key(name, f"{dep.app} is from the Hex repository {name}", dep.at)
    return secret, " ".join((*command, f'--auth-key "${secret.name}"')), key_file


def _key(name: str, reason: str, at: Mark) -> Secret:
    variable = f"HEX_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}_KEY"
    return Secret(variable, reason, at, hint=f"export {variable}=… before relbuild image")


def _known_hosts(deps: tuple[Resolved, ...]) -> Secret:
    hosts = list(dict.fromkeys(_host(dep.git or "") for dep in deps))
    if len(hosts) == 1:
        which, line, written = "a host that has", "the host's line", "it is"
    else:
        which, line, written = "hosts that have", "a line for each host", "they are"
    return Secret(
        KNOWN_HOSTS,
        f"{DependencyAccess(ssh=deps).over_ssh}, from {which} to be known: {_listed(hosts)}",
        deps[0].at,
        exported=False,
        files=("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"),
        hint=f"export {KNOWN_HOSTS}=… with {line}, as in known_hosts, or connect once: {written} written there",
    )


def _host(git: str) -> str:
    """Return the host of a git URL over ssh, with its port where it names one."""
    match = _SSH_HOST.match(git)
    return match["host"] if match else git


def _listed(names: list[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def _git_credentials() -> list[str]:
    """Return the shell's lines by which git finds a login for a host, and can store none."""
    helper = f'!f() {{ test "$1" != get || git credential-store --file=/run/secrets/{GIT_CREDENTIALS} get; }}; f'
    return [
        f"export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=credential.helper GIT_CONFIG_VALUE_0={shlex.quote(helper)}",
    ]
