defmodule Store.Application do
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([StoreWeb.Endpoint], strategy: :one_for_one, name: Store.Supervisor)
  end
end
