defmodule Phrases do
  @moduledoc "Compiles the .po files of a directory into clauses of `phrase/1`."

  defmacro __using__(directory: directory) do
    pattern = Path.join(directory, "*.po")
    files = pattern |> Path.wildcard() |> Enum.sort()

    clauses =
      for file <- files,
          [_, key, value] <- Regex.scan(~r/msgid "(.+)"\nmsgstr "(.*)"/, File.read!(file)) do
        quote do: def(phrase(unquote(key)), do: unquote(value))
      end

    quote do
      for file <- unquote(files), do: @external_resource(file)
      def __mix_recompile__?, do: Enum.sort(Path.wildcard(unquote(pattern))) != unquote(files)
      unquote_splicing(clauses)
      def phrase(key), do: key
    end
  end
end
