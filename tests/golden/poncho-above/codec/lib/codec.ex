defmodule Codec do
  def hello, do: :world
end
