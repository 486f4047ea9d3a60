defmodule Shop.HTTP.Parser do
  @moduledoc """
  Reads request heads out of a stream of bytes, however they are cut into pieces.

  An error is the status to answer with: 400, 414 (request line too long), 431 (headers too long or too
  many) or 505 (not HTTP/1).
  """

  alias Shop.HTTP.Request

  @max_request_line 8_192
  @max_headers_size 16_384
  @max_headers 100

  @enforce_keys [:buffer]
  defstruct [:buffer, :request, headers_size: 0]

  @type t :: %__MODULE__{
          buffer: binary(),
          request: Request.t() | nil,
          headers_size: non_neg_integer()
        }
  @type status :: 400 | 414 | 431 | 505

  @doc "Returns a parser that has seen nothing."
  @spec new() :: t()
  def new, do: %__MODULE__{buffer: ""}

  @doc "Whether it is between two requests, with nothing of the next one seen."
  @spec idle?(t()) :: boolean()
  def idle?(%__MODULE__{buffer: buffer, request: request}), do: buffer == "" and request == nil

  @doc "Takes more bytes; returns the next request if they complete it."
  @spec feed(t(), binary()) :: {:ok, Request.t(), t()} | {:more, t()} | {:error, status()}
  def feed(%__MODULE__{} = parser, bytes), do: parse(%{parser | buffer: parser.buffer <> bytes})

  # Empty lines before a request are to be passed over (RFC 9112, 2.2).
  defp parse(%{request: nil, buffer: "\r\n" <> rest} = parser),
    do: parse(%{parser | buffer: rest})

  defp parse(%{request: nil, buffer: buffer} = parser) do
    case :erlang.decode_packet(:http_bin, buffer, []) do
      {:ok, {:http_request, method, target, version}, rest}
      when byte_size(buffer) - byte_size(rest) <= @max_request_line ->
        with {:ok, request} <- request(to_string(method), target, version) do
          parse(%{parser | request: request, buffer: rest})
        end

      {:more, _length} when byte_size(buffer) <= @max_request_line ->
        {:more, parser}

      {:more, _length} ->
        {:error, 414}

      {:ok, {:http_request, _method, _target, _version}, _rest} ->
        {:error, 414}

      _no_request ->
        {:error, 400}
    end
  end

  defp parse(%{request: request, buffer: buffer, headers_size: size} = parser) do
    case :erlang.decode_packet(:httph_bin, buffer, []) do
      {:ok, :http_eoh, rest} ->
        with :ok <- check(request) do
          request = %{request | headers: Enum.reverse(request.headers)}
          {:ok, request, %__MODULE__{buffer: rest}}
        end

      {:ok, {:http_header, _, name, _, value}, rest} ->
        size = size + byte_size(buffer) - byte_size(rest)
        header = {name |> to_string() |> String.downcase(), String.trim(value)}
        headers = [header | request.headers]

        if size > @max_headers_size or length(headers) > @max_headers do
          {:error, 431}
        else
          parse(%{
            parser
            | request: %{request | headers: headers},
              buffer: rest,
              headers_size: size
          })
        end

      {:more, _length} when size + byte_size(buffer) <= @max_headers_size ->
        {:more, parser}

      {:more, _length} ->
        {:error, 431}

      _no_header ->
        {:error, 400}
    end
  end

  defp request(_method, _target, {major, _minor}) when major != 1, do: {:error, 505}

  defp request(method, target, version) do
    with {:ok, target} <- target(target),
         {:ok, path} <- path(target) do
      {:ok, %Request{method: method, target: target, path: path, version: version}}
    end
  end

  defp target({:abs_path, target}), do: {:ok, target}
  defp target({:absoluteURI, _scheme, _host, _port, target}), do: {:ok, target}
  defp target(:*), do: {:ok, "*"}
  defp target(_other), do: {:error, 400}

  # Every % must begin an escape (RFC 3986, 2.1), and what the escapes stand for must be UTF-8.
  defp path(target) do
    [path | _query] = String.split(target, "?", parts: 2)
    segments = path |> String.split("/", trim: true) |> Enum.map(&URI.decode/1)

    if path =~ ~r/%(?![0-9a-fA-F]{2})/ or not Enum.all?(segments, &String.valid?/1),
      do: {:error, 400},
      else: {:ok, segments}
  end

  # One Host, as HTTP/1.1 demands (RFC 9112, 3.2), and names without spaces (5.1).
  defp check(request) do
    hosts = length(Request.header(request, "host"))
    spaces? = Enum.any?(request.headers, fn {name, _value} -> name =~ ~r/\s/ or name == "" end)

    cond do
      spaces? -> {:error, 400}
      hosts > 1 -> {:error, 400}
      hosts == 0 and request.version >= {1, 1} -> {:error, 400}
      true -> :ok
    end
  end
end
