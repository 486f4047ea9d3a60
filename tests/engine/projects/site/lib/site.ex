defmodule Site do
  @doc "Returns what the browser gets."
  def script, do: :site |> Application.app_dir("priv/static/app.js") |> File.read!()
end
