defmodule Stale.MixProject do
  use Mix.Project

  def project do
    [
      app: :stale,
      version: "0.1.0",
      elixir: "~> 1.18",
      start_permanent: Mix.env() == :prod,
      deps: deps()
    ]
  end

  def application do
    [extra_applications: [:logger]]
  end

  defp deps do
    [
      {:jason, "~> 2.0"},
      {:plug, "~> 1.16"},
      {:credo, "~> 1.7", only: :dev}
    ]
  end
end
