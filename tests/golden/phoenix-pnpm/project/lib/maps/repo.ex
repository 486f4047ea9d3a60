defmodule Maps.Repo do
  use Ecto.Repo, otp_app: :maps, adapter: Ecto.Adapters.Postgres
end
