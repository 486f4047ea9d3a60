defmodule Studio.MixProject do
  use Mix.Project

  def project do
    [
      app: :studio,
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
      {:bcrypt_elixir, "~> 3.0"},
      {:image, "~> 0.54"},
      {:mogrify, "~> 0.9"},
      {:explorer, "~> 0.10"},
      {:file_system, "~> 1.0", runtime: false},
      {:pdf_generator, "~> 0.6"},
      {:ffmpex, "~> 0.11", only: :test}
    ]
  end
end
