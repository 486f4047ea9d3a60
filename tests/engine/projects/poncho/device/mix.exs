defmodule Device.MixProject do
  use Mix.Project

  def project do
    [app: :device, version: "0.1.0", start_permanent: Mix.env() == :prod, deps: [{:wire, path: "../wire"}, {:clock, path: "libs/clock"}]]
  end

  def application, do: [extra_applications: [:logger]]
end
