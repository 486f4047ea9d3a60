defmodule Acme.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "2.4.0",
      start_permanent: Mix.env() == :prod,
      deps: [],
      releases: [
        storefront: [applications: [store: :permanent, web: :permanent]],
        worker: [applications: [store: :permanent, jobs: :permanent]]
      ]
    ]
  end
end
