defmodule Ui.MixProject do
  use Mix.Project

  def project, do: [app: :ui, version: "1.0.0", deps: []]
end
