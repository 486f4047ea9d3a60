defmodule Cluster.MixProject do
  use Mix.Project

  def project do
    [
      app: :cluster,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [],
      releases: [cluster: [include_executables_for: [:unix]]]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Cluster.Application, []}]
  end
end
