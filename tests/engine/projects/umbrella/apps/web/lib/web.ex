defmodule Web do
  def describe, do: "web: #{Store.describe()}"
end
