defmodule Codec do
  def name, do: "codec"
end
