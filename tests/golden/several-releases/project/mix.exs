defmodule Fleet.MixProject do
  use Mix.Project

  def project do
    [
      app: :fleet,
      version: "0.1.0",
      elixir: "~> 1.17",
      default_release: :web,
      releases: [
        web: [include_executables_for: [:unix]],
        worker: [include_executables_for: [:unix], applications: [runtime_tools: :permanent]]
      ]
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
