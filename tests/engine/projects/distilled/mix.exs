defmodule Distilled.MixProject do
  use Mix.Project

  def project do
    [
      app: :distilled,
      version: "0.4.0",
      elixir: "~> 1.9",
      start_permanent: Mix.env() == :prod,
      deps: [{:distillery, "~> 2.1", runtime: false}]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Distilled, []}]
  end
end
