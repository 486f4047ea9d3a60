defmodule Distilled do
  @moduledoc "A release of Distillery's that says what its environment gives it."

  use Application

  def start(_type, _args), do: Supervisor.start_link([], strategy: :one_for_one)

  def greeting do
    Application.fetch_env!(:distilled, :greeting) <> Application.fetch_env!(:distilled, :punctuation)
  end

  def migrate do
    IO.puts("migrated as #{System.get_env("RELEASE_NODE")}")
  end
end
