defmodule Store.MixProject do
  use Mix.Project

  def project do
    [app: :store, version: "0.1.0", start_permanent: Mix.env() == :prod, deps: [],
      build_path: "../../_build", config_path: "../../config/config.exs", deps_path: "../../deps", lockfile: "../../mix.lock"]
  end

  def application, do: [extra_applications: [:logger]]
end
