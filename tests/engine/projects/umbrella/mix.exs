defmodule Umbrella.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "2.0.0",
      deps: [],
      releases: [
        front: [applications: [store: :permanent, web: :permanent]],
        worker: [applications: [store: :permanent, jobs: :permanent]]
      ]
    ]
  end
end
