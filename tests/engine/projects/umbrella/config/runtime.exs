import Config

config :store, city: System.get_env("CITY", "Porto")
