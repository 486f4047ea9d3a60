defmodule Jobs do
  def describe, do: "jobs: #{Store.describe()}"
end
