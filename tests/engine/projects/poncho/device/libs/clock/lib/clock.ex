defmodule Clock do
  def tick, do: "tick"
end
