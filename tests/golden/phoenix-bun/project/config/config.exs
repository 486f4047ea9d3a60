import Config

config :wiki, ecto_repos: [Wiki.Repo]
config :wiki, WikiWeb.Endpoint, url: [host: "localhost"]

import_config "#{config_env()}.exs"
