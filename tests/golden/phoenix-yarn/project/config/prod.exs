import Config

config :news, NewsWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
