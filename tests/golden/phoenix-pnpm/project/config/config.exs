import Config

config :maps, ecto_repos: [Maps.Repo]
config :maps, MapsWeb.Endpoint, url: [host: "localhost"]

import_config "#{config_env()}.exs"
