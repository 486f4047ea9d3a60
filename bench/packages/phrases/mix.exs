defmodule Phrases.MixProject do
  use Mix.Project

  def project do
    [
      app: :phrases,
      version: "1.0.0",
      elixir: "~> 1.14",
      description: "Translations that are compiled into a module",
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w(lib mix.exs)]
    ]
  end

  def application, do: [extra_applications: [:logger, :eex]]
end
