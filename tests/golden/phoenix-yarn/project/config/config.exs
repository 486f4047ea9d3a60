import Config

config :news, ecto_repos: [News.Repo]
config :news, NewsWeb.Endpoint, url: [host: "localhost"]

import_config "#{config_env()}.exs"
