defmodule Wire do
  @version Application.compile_env(:wire, :version)

  def describe, do: "wire #{@version} with #{Codec.name()}"
end
