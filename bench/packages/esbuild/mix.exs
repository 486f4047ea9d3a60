defmodule Esbuild.MixProject do
  use Mix.Project

  def project do
    [
      app: :esbuild,
      version: "1.0.0",
      elixir: "~> 1.14",
      description: "Installs and runs esbuild",
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w(lib mix.exs)]
    ]
  end

  def application, do: [extra_applications: [:logger, :eex]]
end
