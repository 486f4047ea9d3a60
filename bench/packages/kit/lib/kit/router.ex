defmodule Kit.Router do
  @moduledoc "Routes that become clauses of `dispatch/2`."

  defmacro __using__(_options) do
    quote do
      import Kit.Router
    end
  end

  defmacro get(path, page, action) do
    quote do
      def dispatch(unquote(path), assigns), do: unquote(page).render(unquote(action), assigns)
    end
  end
end
