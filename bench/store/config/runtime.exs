import Config

config :store, StoreWeb.Endpoint, port: String.to_integer(System.get_env("PORT", "4000"))
