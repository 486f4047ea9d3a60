defmodule Edge.MixProject do
  use Mix.Project

  def project do
    [app: :edge, version: "0.3.0", elixir: "~> 1.18", deps: []]
  end

  def application, do: [extra_applications: [:logger]]
end
