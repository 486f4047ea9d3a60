import Config

if System.get_env("PHX_SERVER") do
  config :forum, ForumWeb.Endpoint, server: true
end

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise "environment variable DATABASE_URL is missing"

  config :forum, Forum.Repo, url: database_url
  config :forum, ForumWeb.Endpoint, secret_key_base: System.fetch_env!("SECRET_KEY_BASE")
end
