defmodule Web.MixProject do
  use Mix.Project

  def project do
    [app: :web, version: "0.1.0", start_permanent: Mix.env() == :prod, deps: [{:store, in_umbrella: true}],
      build_path: "../../_build", config_path: "../../config/config.exs", deps_path: "../../deps", lockfile: "../../mix.lock"]
  end

  def application, do: [extra_applications: [:logger]]
end
