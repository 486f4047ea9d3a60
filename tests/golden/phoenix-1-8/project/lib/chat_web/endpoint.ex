defmodule ChatWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :chat

  plug Plug.Static, at: "/", from: :chat, gzip: true
end
