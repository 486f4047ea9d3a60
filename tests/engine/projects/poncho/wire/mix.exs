defmodule Wire.MixProject do
  use Mix.Project

  def project do
    [app: :wire, version: "0.1.0", start_permanent: Mix.env() == :prod, deps: [{:codec, path: "../codec"}]]
  end

  def application, do: [extra_applications: [:logger]]
end
