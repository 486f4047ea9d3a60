defmodule Dyno do
  def hello, do: :world
end
