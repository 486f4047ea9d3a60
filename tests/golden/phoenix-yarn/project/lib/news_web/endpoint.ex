defmodule NewsWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :news

  plug Plug.Static, at: "/", from: :news, gzip: true
end
