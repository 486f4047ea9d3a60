defmodule Gallery.MixProject do
  use Mix.Project

  def project do
    [app: :gallery, version: "0.1.0", start_permanent: true, releases: [gallery: []]]
  end

  def application do
    [extra_applications: [:logger], mod: {Gallery.Application, []}]
  end
end
