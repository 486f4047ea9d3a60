defmodule Store do
  @shelves Application.compile_env(:store, :shelves)

  def describe, do: "#{@shelves} shelves in #{Application.get_env(:store, :city)}"
end
