"""What fetching the dependencies needs, planned from the dependencies alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from relbuild.config import parse
from relbuild.errors import ConfigError, Mark
from relbuild.image.plan.credentials import DependencyAccess, Secret, own_secrets, plan_access
from relbuild.mix.lock import Resolved

AT = Mark("mix.lock", 7, 3)


def dep(app: str, repo: str | None = "hexpm", git: str | None = None) -> Resolved:
    return Resolved(app, app, AT, repo if git is None else None, git)


def access(*deps: Resolved, config: str = "{}") -> DependencyAccess:
    return plan_access(deps, parse(config.encode()))


def test_public_packages_need_nothing() -> None:
    assert access(dep("jason"), dep("tools", git="https://github.com/acme/tools.git")) == DependencyAccess()


def test_an_organization_needs_its_key_once() -> None:
    assert access(dep("auth", "hexpm:acme"), dep("base", "hexpm:acme"), dep("jason")) == DependencyAccess(
        secrets=(
            Secret(
                "HEX_ACME_KEY",
                "auth is a package of the Hex organization acme",
                AT,
                hint="mix hex.organization key acme generate makes one; export HEX_ACME_KEY=… before relbuild image",
            ),
        ),
        logins=("export HEX_HOME=/run/hex", 'mix hex.organization auth acme --key "$HEX_ACME_KEY"'),
    )


def test_a_repository_needs_its_address_its_public_key_and_its_key() -> None:
    config = """builder:
  repos:
    my-own: {url: "https://hex.example.com/r?a=1&b=2", public_key: keys/own key.pem}
    open: {url: "http://open.example.com", public_key: "SHA256:abc", auth: false}
    unused: {url: "http://unused.example.com"}
"""
    found = access(dep("core", "my-own"), dep("free", "open"), config=config)
    assert [(each.name, each.reason) for each in found.secrets] == [
        ("HEX_MY_OWN_KEY", "core is from the Hex repository my-own")
    ]
    assert found.files == ("keys/own key.pem",)
    assert found.logins == (
        "export HEX_HOME=/run/hex",
        "mix hex.repo add my-own 'https://hex.example.com/r?a=1&b=2' --public-key 'keys/own key.pem' "
        '--auth-key "$HEX_MY_OWN_KEY"',
        "mix hex.repo add open http://open.example.com --fetch-public-key SHA256:abc",
    )


def test_the_public_repository_may_have_another_address() -> None:
    config = "builder: {repos: {hexpm: {url: 'https://mirror.example.com', public_key: mirror.pem, auth: false}}}\n"
    assert access(dep("jason"), config=config).logins == (
        "export HEX_HOME=/run/hex",
        "mix hex.repo add hexpm https://mirror.example.com --public-key mirror.pem",
    )


def test_an_organization_lies_below_the_public_repositorys_other_address() -> None:
    config = "builder: {repos: {hexpm: {url: 'https://mirror.example.com', public_key: mirror.pem, auth: false}}}\n"
    found = access(dep("auth", "hexpm:acme"), config=config)
    assert (found.files, found.logins) == (
        ("mirror.pem",),
        (
            "export HEX_HOME=/run/hex",
            "mix hex.repo add hexpm https://mirror.example.com --public-key mirror.pem",
            'mix hex.organization auth acme --key "$HEX_ACME_KEY"',
        ),
    )


def test_a_repository_without_an_address() -> None:
    with pytest.raises(ConfigError) as raised:
        access(dep("core", "own"))
    [problem] = raised.value.problems
    assert (problem.message, problem.at) == (
        "core is from the Hex repository own, and its address isn't known",
        AT,
    )


def test_who_logs_in_by_hand_is_left_alone() -> None:
    config = """builder:
  secrets: [KEY]
  steps: {before_deps: ['mix hex.repo add own http://own.example.com --auth-key "$KEY"', 'cat k >~/.ssh/known_hosts']}
"""
    found = access(dep("core", "own"), dep("ui", git="git@example.com:ui.git"), config=config)
    assert (found.secrets, found.logins) == ((), ())
    assert [each.app for each in found.ssh] == ["ui"]


@pytest.mark.parametrize(
    ("url", "is_ssh"),
    [
        ("git@github.com:acme/ui.git", True),
        ("ssh://git@git.example.com:2222/ui.git", True),
        ("git+ssh://git@example.com/ui.git", True),
        ("example.com:ui.git", True),
        ("https://github.com/acme/ui.git", False),
        ("http://example.com:8080/ui.git", False),
        ("git://example.com/ui.git", False),
        ("/srv/git/ui.git", False),
        ("file:///srv/git/ui.git", False),
        ("../ui.git", False),
    ],
)
def test_git_over_ssh(url: str, is_ssh: bool) -> None:
    found = access(dep("ui", git=url))
    assert bool(found.ssh) is is_ssh
    assert [secret.name for secret in found.secrets] == (["SSH_KNOWN_HOSTS"] if is_ssh else [])
    assert found.packages == (("openssh-client",) if is_ssh else ())
    assert found.logins == (
        (
            "export GIT_SSH_COMMAND='ssh -o UserKnownHostsFile=/run/secrets/SSH_KNOWN_HOSTS "
            "-o StrictHostKeyChecking=yes'",
        )
        if is_ssh
        else ()
    )


def test_every_dependency_over_ssh_is_named_with_its_host() -> None:
    found = access(
        dep("ui", git="git@github.com:acme/ui.git"),
        dep("web", git="https://github.com/acme/web.git"),
        dep("core", git="ssh://git@git.example.com:2222/core.git"),
        dep("base", git="github.com:acme/base.git"),
    )
    assert found.over_ssh == "ui, core and base are fetched over ssh"
    [secret] = found.secrets
    assert secret.reason == (
        "ui, core and base are fetched over ssh, from hosts that have to be known: github.com and git.example.com:2222"
    )
    assert secret.hint == (
        "export SSH_KNOWN_HOSTS=… with a line for each host, as in known_hosts, or connect once: they are written there"
    )
    assert access(dep("ui", git="git+ssh://[::1]:22/ui.git")).secrets[0].reason == (
        "ui is fetched over ssh, from a host that has to be known: [::1]:22"
    )


def test_a_variable_that_names_a_file_gives_the_file() -> None:
    one, other, third = own_secrets(parse(b"builder: {secrets: [HEX_CACERTS_PATH, TOKEN, GIT_CREDENTIALS]}\n"))
    assert one.export == ("export HEX_CACERTS_PATH=/run/secrets/HEX_CACERTS_PATH",)
    assert other.export == ('TOKEN="$(cat /run/secrets/TOKEN)"', "export TOKEN")
    assert third.export == ()


def test_git_finds_a_login_and_stores_none(tmp_path: Path) -> None:
    """git itself is asked, with the file where the build has it replaced by one of the test's."""
    [line] = access(config="builder: {secrets: [GIT_CREDENTIALS]}\n").logins
    credentials = tmp_path / "GIT_CREDENTIALS"
    credentials.write_text("https://me:t0ken@git.example.com\n")
    script = f"{line.replace('/run/secrets/GIT_CREDENTIALS', str(credentials))}\n"

    def ask(operation: str, host: str) -> str:
        done = subprocess.run(
            ("sh", "-ec", f"{script}git credential {operation}"),
            input=f"protocol=https\nhost={host}\nusername=me\npassword=t0ken\n\n"
            if operation != "fill"
            else f"protocol=https\nhost={host}\n\n",
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert "password=t0ken" in ask("fill", "git.example.com")
    assert ask("fill", "other.example.com") == ""
    ask("approve", "new.example.com")
    ask("reject", "git.example.com")
    assert [path.name for path in tmp_path.iterdir()] == ["GIT_CREDENTIALS"]
    assert credentials.read_text() == "https://me:t0ken@git.example.com\n"
