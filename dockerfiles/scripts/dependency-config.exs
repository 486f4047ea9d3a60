# Rewrites config.exs to what it sets for the dependencies, so that a change of the project's own configuration doesn't
# reach them. The arguments are the project's own applications.
# Part of the Dockerfile written by relbuild.
Mix.start()
Code.compile_file("mix.exs")

file = Mix.Project.config()[:config_path]
own = Enum.map(System.argv(), &String.to_atom/1)
text = &inspect(&1, limit: :infinity, printable_limit: :infinity)
sorted = fn config -> config |> Enum.map(fn {app, pairs} -> {app, Enum.sort(pairs)} end) |> Enum.sort() end

try do
  {config, imported} = Config.Reader.read_imports!(file, env: Mix.env(), target: Mix.target())
  theirs = config |> Keyword.drop(own) |> sorted.()
  lines = Enum.map(theirs, fn {app, pairs} -> "config #{text.(app)}, #{text.(pairs)}\n" end)
  written = Enum.join(["import Config\n" | lines])

  # Not every value has a literal: an anonymous function has none.
  if file |> Config.Reader.eval!(written, env: Mix.env()) |> sorted.() |> text.() == text.(theirs) do
    for other <- imported, Path.expand(other) != Path.expand(file), do: File.rm!(other)
    File.write!(file, written)
  else
    raise "a value has no literal"
  end
rescue
  error -> IO.puts("each change of #{file} compiles all dependencies: #{Exception.message(error)}")
end
