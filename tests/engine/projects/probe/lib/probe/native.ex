defmodule Probe.Native do
  @moduledoc "A NIF that is linked against a library which no Erlang needs."

  @on_load :load

  def load, do: :erlang.load_nif(:filename.join(:code.priv_dir(:probe), ~c"native"), 0)

  @doc "Returns the version of the XML parser."
  def expat_version, do: :erlang.nif_error(:not_loaded)
end
