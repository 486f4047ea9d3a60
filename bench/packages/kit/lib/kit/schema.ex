defmodule Kit.Schema do
  @moduledoc "Structs with typed fields, and functions that know them."

  defmacro __using__(_options) do
    quote do
      import Kit.Schema
    end
  end

  defmacro schema(source, do: block) do
    quote do
      Module.register_attribute(__MODULE__, :kit_fields, accumulate: true)
      unquote(block)
      defstruct [{:id, nil} | @kit_fields]

      def __schema__(:source), do: unquote(source)
      def __schema__(:fields), do: Keyword.keys(@kit_fields)
      def cast(parameters), do: struct(__MODULE__, Map.take(parameters, __schema__(:fields)))
    end
  end

  defmacro field(name, default) do
    quote do
      @kit_fields {unquote(name), unquote(default)}
    end
  end
end
