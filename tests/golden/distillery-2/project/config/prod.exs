import Config

config :orders,
  queue: "${QUEUE_URL}",
  log_level: :info
