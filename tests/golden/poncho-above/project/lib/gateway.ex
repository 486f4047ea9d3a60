defmodule Gateway do
  def hello, do: :world
end
