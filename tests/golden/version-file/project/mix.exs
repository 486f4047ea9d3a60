defmodule Stamp.MixProject do
  use Mix.Project

  def project do
    [
      app: :stamp,
      version: "VERSION" |> File.read!() |> String.trim(),
      elixir: "~> 1.17"
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
