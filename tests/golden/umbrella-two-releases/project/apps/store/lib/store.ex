defmodule Store do
  def hello, do: :world
end
