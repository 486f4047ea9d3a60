defmodule Sums do
  @on_load :load

  def load, do: :erlang.load_nif(:filename.join(:code.priv_dir(:sums), ~c"sums"), 0)

  def sum(_integers), do: :erlang.nif_error(:not_loaded)
end
