defmodule Shop.HTTP.Response do
  @moduledoc "An answer: status, headers and body."

  @enforce_keys [:status]
  defstruct [:status, headers: [], body: ""]

  @type headers :: [{String.t(), String.t()}]
  @type t :: %__MODULE__{status: pos_integer(), headers: headers(), body: iodata()}

  @reasons %{
    200 => "OK",
    400 => "Bad Request",
    404 => "Not Found",
    405 => "Method Not Allowed",
    408 => "Request Timeout",
    414 => "URI Too Long",
    431 => "Request Header Fields Too Large",
    500 => "Internal Server Error",
    503 => "Service Unavailable",
    505 => "HTTP Version Not Supported"
  }

  @doc "Returns an answer that carries `term` as JSON."
  @spec json(pos_integer(), term(), headers()) :: t()
  def json(status, term, headers \\ []) do
    %__MODULE__{
      status: status,
      headers: [{"content-type", "application/json"} | headers],
      body: [JSON.encode_to_iodata!(term), ?\n]
    }
  end

  @doc "Returns the answer that says nothing more than its status does."
  @spec error(pos_integer(), headers()) :: t()
  def error(status, headers \\ []) do
    json(status, %{error: @reasons |> Map.fetch!(status) |> String.downcase()}, headers)
  end

  @doc """
  Returns the bytes to send.

    * `close: true` tells the client that the connection ends with this answer
    * `head: true` leaves the body out, as an answer to `HEAD` does
  """
  @spec encode(t(), keyword()) :: iodata()
  def encode(%__MODULE__{} = response, options \\ []) do
    [
      "HTTP/1.1 #{response.status} #{Map.fetch!(@reasons, response.status)}\r\n",
      "date: #{Calendar.strftime(DateTime.utc_now(), "%a, %d %b %Y %H:%M:%S GMT")}\r\n",
      "content-length: #{IO.iodata_length(response.body)}\r\n",
      if(options[:close], do: "connection: close\r\n", else: []),
      for({name, value} <- response.headers, do: [name, ": ", value, "\r\n"]),
      "\r\n",
      if(options[:head], do: [], else: response.body)
    ]
  end
end
