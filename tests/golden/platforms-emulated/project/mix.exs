defmodule Thumbs.MixProject do
  use Mix.Project

  def project do
    [app: :thumbs, version: "2.0.0", elixir: "~> 1.18", deps: [{:bcrypt_elixir, "~> 3.0"}]]
  end

  def application do
    [extra_applications: [:logger]]
  end
end
