defmodule Mix.Tasks.Compile.Native do
  @moduledoc false
  use Mix.Task.Compiler

  # What elixir_make does, without fetching it: `priv` is linked into _build before the compilers run, if it is there.
  @impl true
  def run(_args) do
    include = Path.join([:code.root_dir(), "usr", "include"])
    File.mkdir_p!("priv")
    {output, 0} = System.cmd("make", ["priv/native.so"], env: [{"ERTS_INCLUDE_DIR", include}], stderr_to_stdout: true)
    Mix.shell().info(output)
    Mix.Project.build_structure()
    {:ok, []}
  end
end

defmodule Native.MixProject do
  use Mix.Project

  def project do
    [app: :native, version: "0.1.0", start_permanent: Mix.env() == :prod, deps: deps(), compilers: [:native] ++ Mix.compilers()]
  end

  def application, do: [extra_applications: [:logger]]

  # As in many projects, mix.lock names nothing that the release is made of.
  defp deps, do: [{:credo, "~> 1.7", only: [:dev, :test], runtime: false}]
end
