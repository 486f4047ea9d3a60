defmodule Sums.MixProject do
  use Mix.Project

  def project do
    [
      app: :sums,
      version: "1.0.0",
      elixir: "~> 1.14",
      description: "Sums, in C",
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w(lib c_src mix.exs)],
      compilers: [:sums] ++ Mix.compilers()
    ]
  end

  def application, do: [extra_applications: [:logger, :eex]]
end

defmodule Mix.Tasks.Compile.Sums do
  use Mix.Task.Compiler

  @impl true
  def run(_arguments) do
    source = Path.expand("c_src/sums.c")
    target = Path.join(Mix.Project.app_path(), "priv/sums.so")
    include = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "include"])

    if Mix.Utils.stale?([source], [target]) do
      File.mkdir_p!(Path.dirname(target))
      {_, 0} = System.cmd("cc", ["-O2", "-fPIC", "-shared", "-I", include, "-o", target, source])
    end

    :ok
  end
end
