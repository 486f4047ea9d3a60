import Config

config :chat, ecto_repos: [Chat.Repo]
config :chat, ChatWeb.Endpoint, url: [host: "localhost"]
config :esbuild, version: "0.25.4"
config :tailwind, version: "4.1.7"

import_config "#{config_env()}.exs"
