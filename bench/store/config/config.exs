# This file is read before any dependency is compiled.
import Config

config :store,
  greeting: "hello"

config :store, StoreWeb.Endpoint,
  url: [host: "localhost"],
  layout: :root

# Configure esbuild (the version is required)
config :esbuild,
  version: "1.0.0",
  store: [
    args: ~w(js/app.js --bundle --target=es2022 --outdir=../priv/static/assets/js --external:/images/* --alias:@=.),
    cd: Path.expand("../assets", __DIR__),
    env: %{"NODE_PATH" => [Path.expand("../deps", __DIR__), Mix.Project.build_path()]}
  ]

# Configure tailwind (the version is required)
config :tailwind,
  version: "1.0.0",
  store: [
    args: ~w(
      --input=assets/css/app.css
      --output=priv/static/assets/css/app.css
    ),
    cd: Path.expand("..", __DIR__),
    env: %{"NODE_PATH" => [Path.expand("../deps", __DIR__), Mix.Project.build_path()]}
  ]

config :logger, :default_formatter,
  format: "$time $metadata[$level] $message\n",
  metadata: [:request_id]

# It overrides what is above, so it stays last.
import_config "#{config_env()}.exs"
