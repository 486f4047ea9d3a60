import Config

config :protocol, version: 3
