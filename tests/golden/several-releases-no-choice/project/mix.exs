defmodule Fleet.MixProject do
  use Mix.Project

  def project do
    [
      app: :fleet,
      version: "0.1.0",
      elixir: "~> 1.17",
      releases: [
        web: [include_executables_for: [:unix]],
        worker: [include_executables_for: [:unix]]
      ]
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
