import Config

config :forum, ForumWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
