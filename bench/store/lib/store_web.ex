defmodule StoreWeb do
  @moduledoc "What the modules of the web layer have in common."

  def page do
    quote do
      use Kit.Component
      import StoreWeb.Helpers
      alias StoreWeb.Layouts
    end
  end

  def layout do
    quote do
      use Kit.Component
      import StoreWeb.Helpers
    end
  end

  defmacro __using__(which) when is_atom(which), do: apply(__MODULE__, which, [])
end
