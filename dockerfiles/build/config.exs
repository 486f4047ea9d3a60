Mix.start()
Mix.env(:prod)

file = "{{ config_filter.file }}"
text = &inspect(&1, limit: :infinity, printable_limit: :infinity)
sorted = fn config -> config |> Enum.map(fn {app, pairs} -> {app, Enum.sort(pairs)} end) |> Enum.sort() end

try do
  config = Config.Reader.read!(file, env: :prod, target: Mix.target())
  theirs = config |> Keyword.drop(~w({{ applications | join(" ") }})a) |> sorted.()
  lines = Enum.map(theirs, fn {app, pairs} -> "config #{text.(app)}, #{text.(pairs)}\n" end)
  written = Enum.join(["import Config\n" | lines])

  if file |> Config.Reader.eval!(written, env: :prod) |> sorted.() |> text.() == text.(theirs) do
    Enum.each(~w({{ config_filter.others | join(" ") }}), &File.rm_rf!/1)
    File.write!(file, written)
  end
rescue
  error -> IO.puts("all of the configuration counts: #{Exception.message(error)}")
catch
  kind, reason -> IO.puts("all of the configuration counts: #{inspect({kind, reason})}")
end
