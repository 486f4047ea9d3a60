import Config

config :shop, ecto_repos: [Shop.Repo]
config :shop, ShopWeb.Endpoint, url: [host: "localhost"]

import_config "#{config_env()}.exs"
