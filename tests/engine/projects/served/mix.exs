defmodule Served.MixProject do
  use Mix.Project

  def project do
    [app: :served, version: "1.0.0", start_permanent: true, releases: [served: []]]
  end

  def application do
    [extra_applications: [:logger], mod: {Served, []}]
  end
end
