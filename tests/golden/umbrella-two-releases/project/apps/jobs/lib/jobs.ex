defmodule Jobs do
  def hello, do: :world
end
