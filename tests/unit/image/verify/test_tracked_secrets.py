"""Which values of tracked files look like secrets, and which don't."""

from __future__ import annotations

import pytest

from relbuild.errors import Mark
from relbuild.image.verify.secrets import SecretValue, may_hold_secrets, secret_values


@pytest.mark.parametrize(
    ("path", "may"),
    [
        (".env", True),
        (".env.prod", True),
        ("apps/web/.env.local", True),
        (".envrc", True),
        ("config/prod.secret.exs", True),
        (".env.test", False),
        (".env.dev", False),
        (".env.example", False),
        (".env.prod.default", False),
        (".env.development.local", False),
        (".env.sample", False),
        (".environment", False),
        ("env", False),
        ("config/prod.exs", False),
    ],
)
def test_files_for_secrets(path: str, may: bool) -> None:
    assert may_hold_secrets(path) == may


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("SECRET_KEY_BASE=k3jF8sLq0pZx7vBn2mWd", "a secret's value"),
        ('export API_KEY="k3jF8sLq0pZx7vBn2mWd"', "a secret's value"),
        ("DATABASE_URL=ecto://shop:s3cr1tP4ss@db.shop.io/shop", "a password in a URL"),
        ("GITHUB=ghp_abcdefghijklmnopqrstuvwxyz0123456789", "an access token"),
        ("AWS_ID=AKIAIOSFODNN7ABCDEFG", "an access token"),
        (r'KEY="-----BEGIN RSA PRIVATE KEY-----\nMIIE', "a private key"),
        ("SECRET_KEY_BASE=op://vault/shop/secret_key_base", None),
        ("DB_PASSWORD=${POSTGRES_PASSWORD}", None),
        ("TOKEN=$(pass show shop/token)", None),
        ("API_TOKEN=vault:secret/data/shop#token9", None),
        ("SECRET_KEY_BASE=", None),
        ("SECRET_KEY_BASE=change-me-in-production-1", None),
        ("DATABASE_URL=ecto://postgres:postgres@localhost/shop", None),
        ("DATABASE_URL=ecto://shop:s3cr1tP4ss@db/shop", None),
        ("PASSWORD=postgres", None),
        ("PORT=4000", None),
        ("ERL_FLAGS=k3jF8sLq0pZx7vBn2mWd", None),
        ("# SECRET_KEY_BASE=k3jF8sLq0pZx7vBn2mWd", None),
        ('{secret, <<"k3jF8sLq0pZx7vBn2mWd">>}.', None),
        ('{"SECRET_KEY_BASE", "k3jF8sLq0pZx7vBn2mWd"}', None),
    ],
)
def test_a_value_of_an_env_file(line: str, kind: str | None) -> None:
    assert [each.kind for each in secret_values(".env", f"A=1\n{line}\n")] == ([kind] if kind else [])


def test_a_value_of_prod_secret_exs_has_its_place() -> None:
    text = (
        "import Config\n"
        'config :shop, secret_key_base: "k3jF8sLq0pZx7vBn2mWd"\n'
        'config :shop, api_key: System.fetch_env!("API_KEY")\n'
        'config :shop, token: "#{System.get_env("TOKEN9")}-abcdefgh"\n'
    )
    [found] = secret_values("config/prod.secret.exs", text)
    assert found == SecretValue("a secret's value", "secret_key_base", Mark("config/prod.secret.exs", 2, 15))
