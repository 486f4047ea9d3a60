defmodule Kit.Component do
  @moduledoc "Functions of templates, compiled into the module that embeds them."

  defmacro __using__(_options) do
    quote do
      import Kit.Component
      require EEx
      Module.register_attribute(__MODULE__, :kit_templates, accumulate: true)
      @before_compile Kit.Component
    end
  end

  @doc "Defines a function of assigns for each .html.eex file of the pattern."
  defmacro embed_templates(pattern) do
    quote bind_quoted: [pattern: pattern] do
      pattern = Path.join(__DIR__, pattern <> ".html.eex")
      files = pattern |> Path.wildcard() |> Enum.sort()
      @kit_templates {pattern, files}

      for file <- files do
        @external_resource file
        name = file |> Path.basename(".html.eex") |> String.to_atom()
        EEx.function_from_file(:def, name, file, [:assigns])
      end
    end
  end

  defmacro __before_compile__(_environment) do
    quote do
      def __mix_recompile__?, do: Enum.any?(@kit_templates, fn {at, had} -> Enum.sort(Path.wildcard(at)) != had end)
    end
  end
end
