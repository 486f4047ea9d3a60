"""Whole configurations, in the shapes that well-known projects give them."""

from __future__ import annotations

from collections.abc import Callable

Told = Callable[..., dict[str, str]]

# As Phoenix's generator writes it.
PHOENIX = '''
import Config

if System.get_env("PHX_SERVER") do
  config :shop, ShopWeb.Endpoint, server: true
end

config :shop, ShopWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise """
      environment variable DATABASE_URL is missing.
      For example: ecto://USER:PASS@HOST/DATABASE
      """

  maybe_ipv6 = if System.get_env("ECTO_IPV6") in ~w(true 1), do: [:inet6], else: []

  config :shop, Shop.Repo,
    url: database_url,
    pool_size: String.to_integer(System.get_env("POOL_SIZE") || "10"),
    socket_options: maybe_ipv6

  secret_key_base =
    System.get_env("SECRET_KEY_BASE") ||
      raise """
      environment variable SECRET_KEY_BASE is missing.
      You can generate one by calling: mix phx.gen.secret
      """

  host = System.get_env("PHX_HOST") || "example.com"

  config :shop, :dns_cluster_query, System.get_env("DNS_CLUSTER_QUERY")

  config :shop, ShopWeb.Endpoint,
    url: [host: host, port: 443, scheme: "https"],
    http: [ip: {0, 0, 0, 0, 0, 0, 0, 0}],
    secret_key_base: secret_key_base
end
'''


def test_phoenix(told: Told) -> None:
    assert told(PHOENIX) == {
        "DATABASE_URL": "! not set: environment variable DATABASE_URL is missing.\n"
        "For example: ecto://USER:PASS@HOST/DATABASE",
        "DNS_CLUSTER_QUERY": "",
        "ECTO_IPV6": "",
        "PHX_HOST": "= 'example.com'",
        "PHX_SERVER": "",
        "POOL_SIZE": "= '10'",
        "PORT": "= '4000'",
        "SECRET_KEY_BASE": "! not set: environment variable SECRET_KEY_BASE is missing.\n"
        "You can generate one by calling: mix phx.gen.secret",
    }


# One image for two roles, the second of which needs more; the node's name comes from env.sh.
ROLES = """
import Config

role =
  case System.get_env("ROLE") do
    value when value in [nil, "", "web"] -> :web
    "worker" -> :worker
    other -> raise "ROLE is #{inspect(other)}, not web or worker"
  end

if metrics = System.get_env("METRICS_PORT") do
  config :shop, metrics: String.to_integer(metrics)
end

if role == :web do
  config :shop, Shop.Endpoint, host: System.fetch_env!("WEB_HOST"), node: System.fetch_env!("POD_RECORD")
end

if role == :worker do
  config :shop, Shop.Jobs, queue: String.to_integer(System.fetch_env!("JOBS"))
end
"""
ROLES_ENV = """
export RELEASE_COOKIE=$COOKIE
export POD_RECORD=$(echo $POD_IP | sed 's/\\./-/g')
case $RELEASE_COMMAND in
  start*) : "${POD_IP:?the pod's address}" ;;
esac
export RELEASE_NODE="${RELEASE_NODE:-<%= @release.name %>@${POD_RECORD}.${NAMESPACE:-default}}"
"""


def test_roles(told: Told) -> None:
    assert told(ROLES, rel__env_sh_eex=ROLES_ENV) == {
        "COOKIE": "",
        "JOBS": '! empty, or not set when ROLE is "worker"',
        "METRICS_PORT": "",
        "NAMESPACE": "= 'default'",
        "POD_IP": "! empty, or not set when the branch at rel/env.sh.eex:4 runs: the pod's address",
        "RELEASE_NODE": "= (<%= @release.name %>@${POD_RECORD}.${NAMESPACE:-default})",
        "ROLE": "",
        "WEB_HOST": '! not set when ROLE is empty or "web", or not set',
    }


# A database by socket or by host, a mailer by adapter, helpers of the file's own.
SERVICES = """
import Config

defmodule Env do
  def get(name, default \\\\ nil), do: System.get_env(name) || default
  def boolean(name, default), do: get(name, default) in ["1", "true"]
end

choose = fn name, allowed ->
  value = System.get_env(name, hd(allowed))
  if value in allowed, do: value, else: raise("#{name} must be one of #{inspect(allowed)}")
end

database =
  case Env.get("DATABASE_SOCKET") do
    nil -> [hostname: System.fetch_env!("DATABASE_HOST"), password: System.fetch_env!("DATABASE_PASS")]
    socket -> [socket: socket]
  end

config :shop, Shop.Repo, [{:ssl, Env.boolean("DATABASE_SSL", "false")} | database]

case choose.("MAILER", ["smtp", "local"]) do
  "smtp" ->
    config :shop, Shop.Mailer,
      relay: System.fetch_env!("SMTP_HOST"),
      port: System.get_env("SMTP_PORT", "587") |> String.to_integer()

  "local" ->
    config :shop, Shop.Mailer, adapter: Local
end

for {name, key} <- [{"S3_BUCKET", :bucket}, {"S3_REGION", :region}], Env.boolean("S3", "false") do
  config :shop, Shop.Files, [{key, System.get_env(name) || raise("S3 needs #{name}")}]
end
"""


def test_services(told: Told) -> None:
    assert told(SERVICES) == {
        "DATABASE_HOST": "! not set when DATABASE_SOCKET is not set",
        "DATABASE_PASS": "! not set when DATABASE_SOCKET is not set",
        "DATABASE_SOCKET": "",
        "DATABASE_SSL": "= 'false'",
        "MAILER": "= 'smtp'",
        "S3": "= 'false'",
        "S3_BUCKET": '! not set when S3 is "1" or "true": S3 needs S3_BUCKET',
        "S3_REGION": '! not set when S3 is "1" or "true": S3 needs S3_REGION',
        "SMTP_HOST": '! not set when MAILER is "smtp", or not set',
        "SMTP_PORT": "= '587'",
    }
