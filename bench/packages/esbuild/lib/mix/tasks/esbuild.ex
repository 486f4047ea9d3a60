defmodule Mix.Tasks.Esbuild do
  @shortdoc "Runs esbuild with a profile"
  use Mix.Task

  @impl true
  def run([profile | more]) do
    Mix.Task.run("app.config")
    Esbuild.run(String.to_atom(profile), more)
  end
end
