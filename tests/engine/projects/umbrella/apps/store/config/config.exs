import Config

config :store, shelves: 3
