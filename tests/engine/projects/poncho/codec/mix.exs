defmodule Codec.MixProject do
  use Mix.Project

  def project do
    [app: :codec, version: "0.1.0", start_permanent: Mix.env() == :prod, deps: []]
  end

  def application, do: [extra_applications: [:logger]]
end
