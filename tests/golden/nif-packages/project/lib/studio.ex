defmodule Studio do
  def hello, do: :world
end
