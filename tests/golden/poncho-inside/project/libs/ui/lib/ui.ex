defmodule Ui do
  def hello, do: :world
end
