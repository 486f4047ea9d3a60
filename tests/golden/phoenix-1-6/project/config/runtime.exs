import Config

if System.get_env("PHX_SERVER") && System.get_env("RELEASE_NAME") do
  config :blog, BlogWeb.Endpoint, server: true
end

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise "environment variable DATABASE_URL is missing"

  config :blog, Blog.Repo, url: database_url
  config :blog, BlogWeb.Endpoint, secret_key_base: System.fetch_env!("SECRET_KEY_BASE")
end
