import Config

config :maps, MapsWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
