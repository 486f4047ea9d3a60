defmodule WikiWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :wiki

  plug Plug.Static, at: "/", from: :wiki, gzip: true
end
