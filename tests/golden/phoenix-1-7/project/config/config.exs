import Config

config :forum, ecto_repos: [Forum.Repo]
config :forum, ForumWeb.Endpoint, url: [host: "localhost"]
config :esbuild, version: "0.17.11"
config :tailwind, version: "3.4.3"

import_config "#{config_env()}.exs"
