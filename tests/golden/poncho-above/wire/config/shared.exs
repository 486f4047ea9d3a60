import Config

config :wire, version: 3
