defmodule Echo.MixProject do
  use Mix.Project

  def project do
    [
      app: :echo,
      version: "1.2.3",
      start_permanent: true,
      releases: [echo: []]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Echo, []}]
  end
end
