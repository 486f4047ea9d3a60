defmodule Fleet do
  def hello, do: :world
end
