use Mix.Config

config :orders,
  port: String.to_integer(System.get_env("PORT") || "4000")
