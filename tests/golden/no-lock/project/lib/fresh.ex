defmodule Fresh do
  def hello, do: :world
end
