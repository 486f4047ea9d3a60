defmodule Kit.MixProject do
  use Mix.Project

  def project do
    [
      app: :kit,
      version: "1.0.0",
      elixir: "~> 1.14",
      description: "Components, schemas, routes and a server",
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w(lib priv mix.exs package.json)]
    ]
  end

  def application, do: [extra_applications: [:logger, :eex]]
end
