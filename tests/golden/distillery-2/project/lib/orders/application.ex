defmodule Orders.Application do
  use Application

  def start(_type, _args) do
    Supervisor.start_link(children(Mix.env()), strategy: :one_for_one)
  end

  defp children(:test), do: []
  defp children(_env), do: [{Agent, fn -> Application.fetch_env!(:orders, :queue) end}]
end
