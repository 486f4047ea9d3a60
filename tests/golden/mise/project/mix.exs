defmodule Tide.MixProject do
  use Mix.Project

  def project do
    [
      app: :tide,
      version: "0.1.0",
      elixir: "~> 1.17"
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
