defmodule Portal do
  def hello, do: :world
end
