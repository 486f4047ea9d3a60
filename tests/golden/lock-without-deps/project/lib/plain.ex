defmodule Plain do
  def hello, do: :world
end
