defmodule Kit.Endpoint do
  @moduledoc "A server that answers every request with a page."

  @callback page(path :: binary) :: iodata

  defmacro __using__(otp_app: app) do
    quote do
      @behaviour Kit.Endpoint
      @url Application.compile_env!(unquote(app), [__MODULE__, :url])

      def url, do: @url
      def child_spec(_options), do: %{id: __MODULE__, start: {Task, :start_link, [__MODULE__, :listen, []]}}
      def listen, do: Kit.Endpoint.listen(__MODULE__, Application.fetch_env!(unquote(app), __MODULE__)[:port])
    end
  end

  def listen(endpoint, port) do
    {:ok, socket} = :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true, backlog: 128])
    accept(endpoint, socket)
  end

  defp accept(endpoint, socket) do
    {:ok, client} = :gen_tcp.accept(socket)
    {:ok, _request} = :gen_tcp.recv(client, 0, 5_000)
    body = endpoint.page("/")
    head = "HTTP/1.1 200 OK\r\ncontent-length: #{IO.iodata_length(body)}\r\nconnection: close\r\n\r\n"
    :ok = :gen_tcp.send(client, [head, body])
    :gen_tcp.close(client)
    accept(endpoint, socket)
  end
end
