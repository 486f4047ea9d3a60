defmodule Billing.MixProject do
  use Mix.Project

  @version "1.4.2"

  def project do
    [
      app: :billing,
      version: @version,
      elixir: "~> 1.17",
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      releases: releases()
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Billing.Application, []}]
  end

  defp releases do
    [billing: [include_executables_for: [:unix], cookie: "not-in-the-image"]]
  end

  defp deps do
    [
      {:jason, "~> 1.4"},
      {:credo, "~> 1.7", only: [:dev, :test], runtime: false}
    ]
  end
end
