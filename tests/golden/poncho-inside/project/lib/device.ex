defmodule Device do
  def hello, do: :world
end
