defmodule Shop.HTTP.Listener do
  @moduledoc "Owns the listening socket: when it ends, so does listening."

  use GenServer

  @options [
    mode: :binary,
    active: false,
    packet: :raw,
    backlog: 1_024,
    reuseaddr: true,
    nodelay: true,
    # A client that reads nothing must not hold a connection forever.
    send_timeout: 10_000,
    send_timeout_close: true
  ]

  @doc "Options: `:name`, `:port`."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(
      __MODULE__,
      Keyword.fetch!(options, :port),
      Keyword.take(options, [:name])
    )
  end

  @doc "Returns the listening socket."
  @spec socket(GenServer.server()) :: :gen_tcp.socket()
  def socket(listener), do: GenServer.call(listener, :socket)

  @doc "Returns the port it listens on."
  @spec port(GenServer.server()) :: :inet.port_number()
  def port(listener) do
    {:ok, port} = :inet.port(socket(listener))
    port
  end

  @doc "Stops listening."
  @spec close(GenServer.server()) :: :ok
  def close(listener), do: GenServer.call(listener, :close)

  @impl true
  def init(port) do
    # One socket for IPv6 and IPv4, or for IPv4 alone where the kernel has no IPv6.
    with {:error, :eafnosupport} <-
           :gen_tcp.listen(port, [:inet6, {:ipv6_v6only, false} | @options]),
         {:error, reason} <- :gen_tcp.listen(port, @options) do
      {:stop, {:listen, port, reason}}
    else
      {:ok, socket} -> {:ok, socket}
      {:error, reason} -> {:stop, {:listen, port, reason}}
    end
  end

  @impl true
  def handle_call(:socket, _from, socket), do: {:reply, socket, socket}
  def handle_call(:close, _from, socket), do: {:reply, :gen_tcp.close(socket), socket}
end
