defmodule Protocol do
  def hello, do: :world
end
