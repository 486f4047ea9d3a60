import Config

config :billing,
  url: System.get_env("DATABASE_URL") || raise("DATABASE_URL is missing: it's where the bills are"),
  port: String.to_integer(System.get_env("PORT", "4000"))
