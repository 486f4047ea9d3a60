import Config

config :blog, BlogWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
