defmodule Native do
  @on_load :load

  def load, do: :native |> :code.priv_dir() |> Path.join("native") |> String.to_charlist() |> :erlang.load_nif(0)

  def twice(_number), do: :erlang.nif_error(:not_loaded)
end
