defmodule Web do
  def hello, do: :world
end
