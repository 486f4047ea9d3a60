# Read when the project is compiled. What differs between machines belongs into runtime.exs.
import Config

config :shop,
  # Whether the application starts its database pool and its HTTP server.
  server: true

config :shop, Shop.HTTP,
  acceptors: 8,
  max_connections: 1_000,
  # Milliseconds: how long requests that are running get to finish once the shop was told to stop.
  drain_timeout: 2_000

config :shop, Shop.Database,
  # Requests that may wait for a connection, and for how many milliseconds.
  queue_limit: 50,
  queue_timeout: 1_000

# stdout belongs to what `bin/shop eval` and `bin/shop rpc` print.
config :logger, :default_handler, config: [type: :standard_error]
config :logger, :default_formatter, format: "$time [$level] $message\n"

import_config "#{config_env()}.exs"
