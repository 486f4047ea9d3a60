defmodule Esbuild do
  @moduledoc "The program, which is installed in _build, beside the environments."

  def path, do: Path.join(Path.dirname(Mix.Project.build_path()), "esbuild")

  def run(profile, more) do
    options = Application.fetch_env!(:esbuild, profile)
    environment = for {name, paths} <- options[:env], do: {name, Enum.join(paths, ":")}
    {_, 0} = System.cmd(path(), options[:args] ++ more, cd: options[:cd], env: environment, into: IO.stream())
  end
end
