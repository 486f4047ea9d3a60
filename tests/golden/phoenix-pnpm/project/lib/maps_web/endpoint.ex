defmodule MapsWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :maps

  plug Plug.Static, at: "/", from: :maps, gzip: true
end
