defmodule Tailwind.MixProject do
  use Mix.Project

  def project do
    [
      app: :tailwind,
      version: "1.0.0",
      elixir: "~> 1.14",
      description: "Writes the rules of the classes that are used",
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w(lib mix.exs)]
    ]
  end

  def application, do: [extra_applications: [:logger, :eex]]
end
