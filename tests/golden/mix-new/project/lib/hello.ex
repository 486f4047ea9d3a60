defmodule Hello do
  def hello, do: :world
end
