import Config

if System.get_env("PHX_SERVER") do
  config :maps, MapsWeb.Endpoint, server: true
end

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise "environment variable DATABASE_URL is missing"

  config :maps, Maps.Repo, url: database_url
  config :maps, MapsWeb.Endpoint, secret_key_base: System.fetch_env!("SECRET_KEY_BASE")
end
