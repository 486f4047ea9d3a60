import Config

config :wiki, WikiWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
