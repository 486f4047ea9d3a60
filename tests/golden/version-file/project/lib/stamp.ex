defmodule Stamp do
  def hello, do: :world
end
