defmodule Shop.HTTP.Request do
  @moduledoc """
  A request's head.

  `:path` is decoded and split at its slashes, `:target` is as it was sent; header names are in lower case.
  """

  @enforce_keys [:method, :target, :path, :version]
  defstruct [:method, :target, :path, :version, headers: []]

  @type t :: %__MODULE__{
          method: String.t(),
          target: String.t(),
          path: [String.t()],
          version: {1, non_neg_integer()},
          headers: [{String.t(), String.t()}]
        }

  @doc "Returns a header's values, in the order they came."
  @spec header(t(), String.t()) :: [String.t()]
  def header(%__MODULE__{headers: headers}, name), do: for({^name, value} <- headers, do: value)

  @doc "Whether the client wants to send more requests on this connection."
  @spec keep_alive?(t()) :: boolean()
  def keep_alive?(%__MODULE__{version: version} = request) do
    tokens =
      request
      |> header("connection")
      |> Enum.flat_map(&String.split(&1, ","))
      |> Enum.map(&(&1 |> String.trim() |> String.downcase()))

    if version >= {1, 1}, do: "close" not in tokens, else: "keep-alive" in tokens
  end

  @doc "Whether a body follows the head."
  @spec body?(t()) :: boolean()
  def body?(%__MODULE__{} = request) do
    header(request, "transfer-encoding") != [] or
      header(request, "content-length") not in [[], ["0"]]
  end
end
