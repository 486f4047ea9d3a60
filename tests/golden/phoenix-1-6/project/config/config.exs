import Config

config :blog, ecto_repos: [Blog.Repo]
config :blog, BlogWeb.Endpoint, url: [host: "localhost"]
config :esbuild, version: "0.14.29", default: [args: ~w(js/app.js --bundle --outdir=../priv/static/assets)]

import_config "#{config_env()}.exs"
