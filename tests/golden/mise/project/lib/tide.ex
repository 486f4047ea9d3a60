defmodule Tide do
  def hello, do: :world
end
