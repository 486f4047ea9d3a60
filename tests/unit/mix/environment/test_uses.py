"""What a variable's value is used for: by a function, a comparison, a configuration key or its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.mix.environment import Contract, Use, Variable, from_label, to_label
from relbuild.mix.environment.contract import data_of

REPO = "defmodule Shop.Repo do\n  use Ecto.Repo, otp_app: :shop, adapter: Ecto.Adapters.MyXQL\nend\n"


@pytest.mark.parametrize(
    ("expression", "use"),
    [
        ('String.to_integer(System.fetch_env!("A"))', Use("integer")),
        ('System.get_env("A", "5") |> String.trim() |> String.to_integer()', Use("integer")),
        ('(System.get_env("A") || "0.5") |> String.to_float()', Use("float")),
        ('System.fetch_env!("A") |> String.split(",") |> Enum.map(&String.to_integer/1)', Use("integer")),
        ('Base.decode64!(System.fetch_env!("A"))', Use("base64")),
        ('Jason.decode!(System.fetch_env!("A"))', Use("json")),
        ('System.fetch_env!("A") == "true"', Use("boolean", ("true",))),
        ('System.get_env("A") in ~w(true 1)', Use("boolean", ("1", "true"))),
        ('Enum.member?(["yes", "on"], System.get_env("A"))', Use("boolean", ("on", "yes"))),
        ('String.to_existing_atom(System.get_env("A", "false"))', Use("boolean", ("false", "true"))),
        ('case System.fetch_env!("A") do\n"s3" -> 1\n"disk" -> 2\nend', Use("choice", ("disk", "s3"))),
        ('if System.get_env("A") != "off", do: 1', Use("boolean", ("off",))),
        ('[level: String.to_atom(System.get_env("A", "info"))]', Use("choice")),
        ('[secret_key_base: System.fetch_env!("A")]', Use("secret", bytes=64)),
        ('[hostname: System.get_env("A") || "db"]', Use("host")),
        ('[ssl: [cacertfile: System.fetch_env!("A")]]', Use("file")),
        ('[url: System.fetch_env!("A")]', Use("url", scheme="https")),
        ('[key: System.fetch_env!("A")]', None),
    ],
)
def test_the_use_of_a_value(contract: Callable[..., Contract], expression: str, use: Use | None) -> None:
    found = contract(f"import Config\nconfig :shop, :x, ({expression})").variables[0].use
    levels = use == Use("choice")
    assert (Use(found.kind) if levels and found is not None else found) == use


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("DATABASE_URL", Use("url", scheme="ecto")),
        ("REDIS_URL", Use("url", scheme="redis")),
        ("API_URI", Use("url", scheme="https")),
        ("SMTP_PORT", Use("integer")),
        ("UPLOAD_DIR", Use("path")),
        ("ADMIN_EMAIL", Use("email")),
        ("API_KEY", None),
    ],
)
def test_else_its_name_tells(contract: Callable[..., Contract], name: str, use: Use | None) -> None:
    assert contract(f'x = System.fetch_env!("{name}")').variables[0].use == use


@pytest.mark.parametrize(("files", "scheme"), [({"lib__shop__repo_ex": REPO}, "mysql"), ({}, "ecto")])
def test_a_repository_s_url_is_that_of_its_adapter(
    contract: Callable[..., Contract], files: dict[str, str], scheme: str
) -> None:
    found = contract('import Config\nconfig :shop, Shop.Repo, url: System.fetch_env!("PRIMARY")', **files)
    assert found.variables[0].use == Use("url", scheme=scheme)


def test_a_label_carries_the_use(contract: Callable[..., Contract]) -> None:
    found = contract('import Config\nconfig :shop, a: System.get_env("A") == "on", b: System.get_env("TOKEN") == "abc"')
    assert [each.get("use") for each in data_of(found)["variables"]] == [
        {"kind": "boolean", "values": ["on"]},
        # What a secret is compared with may be the secret.
        {"kind": "choice"},
    ]
    back = from_label(to_label(found))
    assert back is not None
    assert [each.use for each in back.variables] == [Use("boolean", ("on",)), Use("choice")]


def test_a_kind_that_a_later_relbuild_writes_is_left_out() -> None:
    at = '"at":"config/runtime.exs:1"'
    label = f'{{"version":1,"variables":[{{"name":"A",{at},"use":{{"kind":"colour"}}}}]}}'
    found = from_label(label)
    assert found is not None
    assert [(each.name, each.use) for each in found.variables] == [("A", None)]
    assert isinstance(found.variables[0], Variable)
