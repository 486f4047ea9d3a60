use Mix.Config

config :market, url: "http://${MARKET_HOST}/", token: {:system, "MARKET_TOKEN"}
