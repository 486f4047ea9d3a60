defmodule Mix.Tasks.Kit.Digest do
  @shortdoc "Gives the static files names with digests, and writes the manifest"
  use Mix.Task

  @impl true
  def run(_arguments) do
    files = for file <- Path.wildcard("priv/static/**/*"), File.regular?(file), file =~ ~r/\.(css|js|txt)$/, do: file

    latest =
      for file <- files, not (file =~ ~r/-[0-9a-f]{32}\./), into: %{} do
        content = File.read!(file)
        digest = :md5 |> :crypto.hash(content) |> Base.encode16(case: :lower)
        digested = Path.rootname(file) <> "-" <> digest <> Path.extname(file)
        File.write!(digested, content)
        File.write!(digested <> ".gz", :zlib.gzip(content))
        {Path.relative_to(file, "priv/static"), Path.relative_to(digested, "priv/static")}
      end

    lines = latest |> Enum.sort() |> Enum.map_join(",\n", fn {from, to} -> ~s(  "#{from}": "#{to}") end)
    File.write!("priv/static/cache_manifest.json", "{\n#{lines}\n}\n")
  end
end
