defmodule Ui do
  def name, do: "ui"
end
