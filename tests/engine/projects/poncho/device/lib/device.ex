defmodule Device do
  def describe, do: "#{Wire.describe()}, #{Clock.tick()}"
end
