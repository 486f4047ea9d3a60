import Config

if System.get_env("PHX_SERVER") do
  config :gallery, GalleryWeb.Endpoint, server: true
end

config :gallery, GalleryWeb.Endpoint, port: String.to_integer(System.get_env("PORT", "4000"))
