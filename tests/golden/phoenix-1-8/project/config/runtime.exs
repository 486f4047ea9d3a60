import Config

if System.get_env("PHX_SERVER") do
  config :chat, ChatWeb.Endpoint, server: true
end

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise "environment variable DATABASE_URL is missing"

  config :chat, Chat.Repo, url: database_url
  config :chat, ChatWeb.Endpoint, secret_key_base: System.fetch_env!("SECRET_KEY_BASE")
end
