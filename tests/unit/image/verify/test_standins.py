"""Stand-in values: for what is required, of the kind that it is used for."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

import pytest

from relbuild.errors import Mark
from relbuild.image.verify.trial import stand_ins, value_for
from relbuild.mix.environment import Contract, Default, Requirement, Use, Variable
from relbuild.mix.environment.conditions import ALWAYS, Condition, OneOf, Opaque, is_set

AT = Mark("config/runtime.exs", 3)


def required(
    name: str,
    use: Use | None = None,
    *,
    message: str | None = None,
    when: Condition = ALWAYS,
    fails: OneOf | None = None,
) -> Variable:
    fails = fails or OneOf(name, frozenset({None}))
    return Variable(name, AT, requirements=(Requirement(fails, when, AT, message),), use=use)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (required("POOL", Use("integer")), "4000"),
        (required("RATIO", Use("float")), "1.0"),
        (required("DEBUG", Use("boolean", ("false", "true"))), "true"),
        (required("DEBUG", Use("boolean", ("0", "1"))), "0"),
        (required("STORE", Use("choice", ("disk", "s3"))), "disk"),
        (required("DATABASE_URL", Use("url", scheme="postgres")), "postgres://relbuild:relbuild@relbuild.invalid/relbuild"),
        (required("DATABASE_URL", Use("url", scheme="ecto")), "postgres://relbuild:relbuild@relbuild.invalid/relbuild"),
        (required("DATABASE_URL", Use("url", scheme="mysql")), "mysql://relbuild:relbuild@relbuild.invalid/relbuild"),
        (required("API_URL", Use("url", scheme="https")), "https://relbuild.invalid"),
        (required("PHX_HOST", Use("host")), "relbuild.invalid"),
        (required("DATABASE_PATH", Use("path")), "/tmp/relbuild-database_path"),
        (required("CERT", Use("file")), "/tmp/relbuild-cert"),
        # Nothing but its name and its author's message tells what these are.
        (required("POD_IP"), "127.0.0.1"),
        (required("POOL_SIZE"), "4000"),
        (required("REGION"), "relbuild"),
        (required("STORE_AT", message="For example: amqp://USER:PASS@HOST"), "amqp://relbuild:relbuild@relbuild.invalid/relbuild"),
        (required("STORE_AT", message="For example: /etc/shop/shop.db"), "/tmp/relbuild-store_at"),
        # Compared with values: one that is accepted.
        (required("MODE", fails=OneOf("MODE", frozenset({"web", "worker"}), inside=False)), "web"),
        (required("MODE", Use("choice", ("none", "web")), fails=OneOf("MODE", frozenset({None, "none"}))), "relbuild"),
    ],
)  # fmt: skip
def test_a_value_is_of_the_kind_that_it_is_used_for(variable: Variable, value: str) -> None:
    assert value_for(variable) == value


@pytest.mark.parametrize(
    "variable",
    [
        required("SECRET_KEY_BASE", Use("secret", bytes=64)),
        required("SIGNING_SALT", Use("secret", bytes=8)),
        required("API_TOKEN"),
        required("SEED", message="You can generate one by calling: mix phx.gen.secret"),
    ],
)
def test_a_secret_is_long_enough_and_can_be_decoded(variable: Variable) -> None:
    value = value_for(variable)
    assert len(value) == 64
    assert base64.b64decode(value, validate=True)
    assert bytes.fromhex(value)


def test_what_is_decoded_has_the_bytes_of_a_key() -> None:
    assert len(base64.b64decode(value_for(required("KEY", Use("base64"))), validate=True)) == 32
    assert len(base64.b64decode(value_for(required("KEY", Use("base64", bytes=16))), validate=True)) == 16
    assert len(bytes.fromhex(value_for(required("KEY", Use("hex"))))) == 32
    assert json.loads(value_for(required("ACCOUNT", Use("json")))) == {}
    assert urlsplit(value_for(required("DSN", Use("dsn")))).username == "relbuild"


def test_only_what_is_required_and_not_given() -> None:
    contract = Contract(
        (
            required("A"),
            required("B", when=is_set("A")),
            required("C", when=is_set("OTHER")),
            required("D", when=Opaque("x")),
            Variable("PORT", AT, Default("4000")),
        )
    )
    assert stand_ins(contract, {}) == {"A": "relbuild", "B": "relbuild", "D": "relbuild"}
    assert stand_ins(contract, {"A": "1", "OTHER": ""}) == {"B": "relbuild", "C": "relbuild", "D": "relbuild"}


def test_a_given_value_that_is_not_accepted_stays() -> None:
    contract = Contract((required("A", fails=OneOf("A", frozenset({None, ""}))),))
    assert stand_ins(contract, {"A": ""}) == {}
