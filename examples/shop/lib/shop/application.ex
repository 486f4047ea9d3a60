defmodule Shop.Application do
  @moduledoc false

  use Application

  @impl true
  def start(_type, _args) do
    Shop.Database.DriverLog.install()

    # The HTTP server is stopped first: the requests it drains still need the database.
    Supervisor.start_link(children(Application.fetch_env!(:shop, :server)),
      strategy: :one_for_one,
      name: Shop.Supervisor
    )
  end

  defp children(false), do: []

  defp children(true) do
    [
      {Shop.Database, Application.fetch_env!(:shop, Shop.Database)},
      {Shop.HTTP, [handler: &Shop.Router.call/1] ++ Application.fetch_env!(:shop, Shop.HTTP)}
    ]
  end
end
