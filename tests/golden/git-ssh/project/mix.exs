defmodule Portal.MixProject do
  use Mix.Project

  def project do
    [
      app: :portal,
      version: "0.1.0",
      elixir: "~> 1.18",
      start_permanent: Mix.env() == :prod,
      deps: deps()
    ]
  end

  def application do
    [extra_applications: [:logger]]
  end

  defp deps do
    [
      {:acme_ui, git: "git@github.com:acme/acme_ui.git", tag: "v1.2.0"},
      {:tools, git: "https://github.com/acme/tools.git", branch: "main"}
    ]
  end
end
