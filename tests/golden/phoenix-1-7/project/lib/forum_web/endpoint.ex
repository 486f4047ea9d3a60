defmodule ForumWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :forum

  plug Plug.Static, at: "/", from: :forum, gzip: true
end
