defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [
      app: :shop,
      version: "0.1.0",
      elixir: "~> 1.18",
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      releases: releases()
    ]
  end

  # Run "mix help compile.app" to learn about applications.
  def application do
    [
      # p1_pgsql is no Hex package here: it stands beside OTP's own applications (Debian: erlang-p1-pgsql),
      # and being listed is what makes a release take it up.
      extra_applications: [:logger, :p1_pgsql],
      mod: {Shop.Application, []}
    ]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]

  # Run "mix help deps" to learn about dependencies.
  defp deps do
    []
  end

  # Run "mix help release" to learn about releases.
  defp releases do
    [
      shop: [
        include_executables_for: [:unix]
      ]
    ]
  end
end
