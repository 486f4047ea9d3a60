defmodule Orders.MixProject do
  use Mix.Project

  def project do
    [
      app: :orders,
      version: "2.3.0",
      elixir: "~> 1.8",
      start_permanent: Mix.env() == :prod,
      deps: deps()
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Orders.Application, []}]
  end

  defp deps do
    [
      {:jason, "~> 1.4"},
      # Releases
      {:distillery, "~> 2.1", runtime: false}
    ]
  end
end
