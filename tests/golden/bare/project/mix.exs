defmodule Bare.MixProject do
  use Mix.Project
  def project, do: [app: :bare, version: "0.0.1"]
end
