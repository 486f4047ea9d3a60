defmodule Market.MixProject do
  use Mix.Project

  def project do
    [
      app: :market,
      version: "1.4.0",
      build_path: "../../_build",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      elixir: "~> 1.9",
      deps: deps()
    ]
  end

  def application, do: [extra_applications: [:logger]]

  defp deps, do: [{:distillery, "~> 1.5", runtime: false}]
end
