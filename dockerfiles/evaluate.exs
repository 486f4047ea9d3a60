# Writes what Mix says of the project in the current directory, and of an umbrella's children, as JSON to the file that
# is its argument. Elixir has no JSON of its own before 1.18.
defmodule Relbuild.Encode do
  def term(nil), do: "null"
  def term(value) when is_boolean(value), do: Atom.to_string(value)
  def term(value) when is_atom(value), do: tagged("a", text(Atom.to_string(value)))
  def term(value) when is_integer(value), do: Integer.to_string(value)
  def term(value) when is_float(value), do: tagged("n", text(Float.to_string(value)))
  def term(value) when is_binary(value), do: if(String.valid?(value), do: text(value), else: other("bytes"))
  def term(value) when is_tuple(value), do: tagged("t", array(Tuple.to_list(value)))
  def term(value) when is_function(value), do: tagged("f", Integer.to_string(elem(Function.info(value, :arity), 1)))
  def term(%{__struct__: name}), do: other(inspect(name))
  def term(value) when is_map(value), do: tagged("m", array(Enum.map(value, fn {key, kept} -> [key, kept] end)))
  def term(value) when is_list(value), do: if(List.improper?(value), do: other("a list"), else: array(value))
  def term(_value), do: other("a value of this machine's")

  def object(pairs), do: ["{", Enum.intersperse(for({key, json} <- pairs, do: [text(key), ":", json]), ","), "}"]
  def array(values), do: ["[", Enum.intersperse(Enum.map(values, &term/1), ","), "]"]

  def text(value) do
    escaped = for <<char::utf8 <- value>>, do: character(char)
    ["\"", escaped, "\""]
  end

  defp tagged(tag, json), do: ["{\"", tag, "\":", json, "}"]
  defp other(what), do: tagged("?", text(what))

  defp character(char) when char in [?", ?\\], do: [?\\, char]
  defp character(char) when char < 32, do: ["\\u00", String.pad_leading(Integer.to_string(char, 16), 2, "0")]
  defp character(char), do: <<char::utf8>>
end

defmodule Relbuild.Evaluate do
  alias Relbuild.Encode

  # Milliseconds; a mix.exs that waits for what never comes must not hold up the build.
  @patience 60_000

  def run(file) do
    # Else a mix.exs that ends its process ends this one too, and nobody tells which it was.
    Process.flag(:trap_exit, true)
    Mix.start()
    {root, config} = project("")
    children = for path <- children(config[:apps_path]), do: elem(project(path), 0)
    File.write!(file, ["[", Enum.intersperse([root | children], ","), "]"])
  end

  defp children(nil), do: []
  defp children(path), do: "#{path}/*/mix.exs" |> Path.wildcard() |> Enum.map(&Path.dirname/1)

  defp project(path) do
    task = Task.async(fn -> File.cd!(if(path == "", do: ".", else: path), &evaluate/0) end)

    {config, said} =
      case Task.yield(task, @patience) || Task.shutdown(task, :brutal_kill) do
        {:ok, found} -> found
        {:exit, reason} -> {[], error(Exception.format_exit(reason))}
        nil -> {[], error("it takes longer than #{div(@patience, 1000)} seconds")}
      end

    {Encode.object([{"path", Encode.text(path)} | said]), config}
  end

  defp evaluate do
    Code.compile_file("mix.exs")
    module = Mix.Project.get!()
    config = Keyword.update(module.project(), :releases, nil, &releases/1)
    application = if function_exported?(module, :application, 0), do: module.application(), else: []

    {config,
     [
       {"module", Encode.text(inspect(module))},
       {"project", Encode.term(config)},
       {"application", Encode.term(application)}
     ]}
  rescue
    exception -> {[], error(Exception.message(exception))}
  catch
    kind, reason -> {[], error(Exception.format_banner(kind, reason))}
  end

  # Like mix release, which calls a definition that is a function.
  defp releases(found) when is_list(found) do
    for release <- found do
      case release do
        {name, define} when is_function(define, 0) -> {name, define.()}
        other -> other
      end
    end
  end

  defp releases(other), do: other

  defp error(message), do: [{"error", Encode.text(message)}]
end

[file] = System.argv()
Relbuild.Evaluate.run(file)
