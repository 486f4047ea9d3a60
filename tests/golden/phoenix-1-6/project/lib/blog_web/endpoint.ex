defmodule BlogWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :blog

  plug Plug.Static, at: "/", from: :blog, gzip: true
end
