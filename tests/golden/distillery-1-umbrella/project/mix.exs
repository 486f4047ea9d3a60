defmodule Market.Umbrella.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      start_permanent: Mix.env() == :prod,
      deps: [{:distillery, "~> 1.5"}]
    ]
  end
end
