import Config

config :orders, greeting: "hello"

import_config "#{Mix.env()}.exs"
