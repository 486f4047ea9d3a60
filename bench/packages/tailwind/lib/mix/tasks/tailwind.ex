defmodule Mix.Tasks.Tailwind do
  @shortdoc "Writes a rule for every class that the templates use"
  use Mix.Task

  @impl true
  def run([profile | _more]) do
    Mix.Task.run("app.config")
    options = Application.fetch_env!(:tailwind, String.to_atom(profile))
    [input, output] = for argument <- options[:args], do: argument |> String.split("=") |> List.last()
    css = File.read!(Path.join(options[:cd], input))
    [_, source] = Regex.run(~r/@source "(.+)";/, css)
    target = Path.join(options[:cd], output)
    File.mkdir_p!(Path.dirname(target))
    File.write!(target, [Regex.replace(~r/@source.+\n/, css, "") | rules(Path.expand(source, Path.dirname(Path.join(options[:cd], input))))])
  end

  defp rules(directory) do
    for file <- Path.wildcard(directory <> "/**/*.{ex,eex}"),
        [_, classes] <- Regex.scan(~r/class="([^"]+)"/, File.read!(file)),
        class <- String.split(classes),
        uniq: true do
      case String.split(class, "-") do
        ["p", size] -> ".#{class}{padding:#{size}px}\n"
        ["m", size] -> ".#{class}{margin:#{size}px}\n"
        _ -> ".#{class}{display:#{class}}\n"
      end
    end
  end
end
