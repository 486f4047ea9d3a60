defmodule StoreWeb.Endpoint do
  use Kit.Endpoint, otp_app: :store

  @impl true
  def page(_path), do: StoreWeb.Router.dispatch("/", %{layout: Application.fetch_env!(:store, __MODULE__)[:layout]})
end
