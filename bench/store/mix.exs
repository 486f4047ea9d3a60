defmodule Store.MixProject do
  use Mix.Project

  def project do
    [
      app: :store,
      version: "0.1.0",
      elixir: "~> 1.14",
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      aliases: aliases(),
      deps: deps()
    ]
  end

  def application do
    [mod: {Store.Application, []}, extra_applications: [:logger, :runtime_tools]]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  defp deps do
    [
      {:dep_4_0, "~> 1.0"},
      {:dep_4_1, "~> 1.0"},
      {:dep_4_2, "~> 1.0"},
      {:kit, "~> 1.0"},
      {:phrases, "~> 1.0"},
      {:sums, "~> 1.0"},
      {:esbuild, "~> 1.0", runtime: Mix.env() == :dev},
      {:tailwind, "~> 1.0", runtime: Mix.env() == :dev}
    ]
  end

  defp aliases do
    [
      setup: ["deps.get", "assets.setup", "assets.build"],
      "assets.setup": ["tailwind.install --if-missing", "esbuild.install --if-missing"],
      "assets.build": ["compile", "tailwind store", "esbuild store"],
      "assets.deploy": ["tailwind store --minify", "esbuild store --minify", "kit.digest"]
    ]
  end
end
