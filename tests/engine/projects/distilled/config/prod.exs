use Mix.Config

config :distilled,
  greeting: "${GREETING}",
  punctuation: "!"
