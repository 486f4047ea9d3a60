defmodule Probe.MixProject do
  use Mix.Project

  def project do
    [
      app: :probe,
      version: "0.1.0",
      start_permanent: true,
      releases: [probe: []]
    ]
  end

  def application do
    [extra_applications: [:logger, :inets, :ssl, :os_mon], mod: {Probe, []}]
  end
end
