defmodule Site.MixProject do
  use Mix.Project

  def project do
    [app: :site, version: "0.1.0", elixir: "~> 1.18", aliases: aliases()]
  end

  defp aliases do
    [
      "assets.deploy": ["assets.bundle"],
      "assets.bundle": ["cmd --cd assets npm run build"]
    ]
  end
end
