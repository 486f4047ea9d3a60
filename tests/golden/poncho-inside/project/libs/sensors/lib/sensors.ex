defmodule Sensors do
  def hello, do: :world
end
