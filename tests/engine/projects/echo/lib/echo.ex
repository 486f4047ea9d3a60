defmodule Echo do
  @moduledoc "A release that needs nothing from outside: what relbuild's commands are tried on."

  use Application

  def start(_type, _args), do: Supervisor.start_link([], strategy: :one_for_one)
end
