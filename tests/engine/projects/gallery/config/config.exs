import Config

config :gallery, GalleryWeb.Endpoint, url: [host: "localhost"]
