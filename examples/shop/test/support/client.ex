defmodule Shop.Test.Client do
  @moduledoc "An HTTP client that sends exactly the bytes it is given."

  @timeout 5_000

  @doc "Connects to the server."
  def connect(port) do
    {:ok, socket} = :gen_tcp.connect(~c"127.0.0.1", port, [:binary, active: false], @timeout)
    socket
  end

  @doc "Sends bytes."
  def send!(socket, bytes), do: :ok = :gen_tcp.send(socket, bytes)

  @doc "Sends a GET request."
  def get!(socket, target), do: send!(socket, "GET #{target} HTTP/1.1\r\nhost: shop\r\n\r\n")

  @doc "Reads one response; returns its status, its headers and its body."
  def read!(socket, options \\ []) do
    :ok = :inet.setopts(socket, packet: :http_bin)
    {:ok, {:http_response, {1, 1}, status, _reason}} = :gen_tcp.recv(socket, 0, @timeout)
    headers = headers(socket)
    :ok = :inet.setopts(socket, packet: :raw)
    length = if options[:head], do: 0, else: String.to_integer(headers["content-length"])

    body =
      if length > 0, do: elem({:ok, _} = :gen_tcp.recv(socket, length, @timeout), 1), else: ""

    {status, headers, body}
  end

  @doc "Waits until the server closed the connection, and returns whether it had nothing more to say."
  def closed?(socket), do: :gen_tcp.recv(socket, 0, @timeout) == {:error, :closed}

  @doc "Sends bytes on a new connection and returns the status of the answer, on which the connection ends."
  def refusal(port, bytes) do
    socket = connect(port)
    send!(socket, bytes)
    {status, %{"connection" => "close"}, _body} = read!(socket)
    true = closed?(socket)
    status
  end

  defp headers(socket, headers \\ %{}) do
    case :gen_tcp.recv(socket, 0, @timeout) do
      {:ok, {:http_header, _, name, _, value}} ->
        headers(socket, Map.put(headers, name |> to_string() |> String.downcase(), value))

      {:ok, :http_eoh} ->
        headers
    end
  end
end
