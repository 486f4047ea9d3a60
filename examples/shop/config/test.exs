import Config

# Every test starts the parts it needs, under its own supervisor.
config :shop, server: false
config :logger, level: :warning
