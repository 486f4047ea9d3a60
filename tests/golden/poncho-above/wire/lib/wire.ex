defmodule Wire do
  def hello, do: :world
end
