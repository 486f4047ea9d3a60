defmodule Shop.HTTP do
  @moduledoc """
  An HTTP/1.1 server on `:gen_tcp`.

  A listener owns the socket, acceptors take connections from it, and each connection is a process of its
  own that calls the handler, a function from `Shop.HTTP.Request` to `Shop.HTTP.Response`.

  Options of `start_link/1`:

    * `:handler` - the function that answers requests
    * `:port` - 0 for any free one, which `port/1` then tells
    * `:acceptors` - processes that take connections (default 8)
    * `:max_connections` - those beyond are told 503 (default 1000)
    * `:drain_timeout` - milliseconds that running requests get when the server stops (default 2000)
    * `:idle_timeout` - milliseconds a connection may wait for its next request (default 60000)
    * `:head_timeout` - milliseconds a request's head may take to arrive (default 10000)
    * `:name` - default `Shop.HTTP`
  """

  use Supervisor

  alias Shop.HTTP.{Acceptor, Connection, Drain, Listener}

  @spec start_link(keyword()) :: Supervisor.on_start()
  def start_link(options) do
    name = Keyword.get(options, :name, __MODULE__)
    Supervisor.start_link(__MODULE__, [name: name] ++ options, name: name)
  end

  @doc "Returns the port the server listens on."
  @spec port(Supervisor.name()) :: :inet.port_number()
  def port(server \\ __MODULE__), do: Listener.port(part(server, Listener))

  # Started in this order and stopped in the opposite one: Drain, the last, sees to it that nothing is
  # accepted any more and that what runs is finished, while all it needs is still there.
  @impl true
  def init(options) do
    name = Keyword.fetch!(options, :name)
    connections = part(name, Connections)
    listener = part(name, Listener)
    acceptors = part(name, Acceptors)

    connection_options = Keyword.take(options, [:handler, :idle_timeout, :head_timeout])
    accept = fn -> Acceptor.run(listener, connections, Connection.options(connection_options)) end

    children = [
      {Task.Supervisor,
       name: connections, max_children: Keyword.get(options, :max_connections, 1_000)},
      {Listener, name: listener, port: Keyword.fetch!(options, :port)},
      %{
        id: acceptors,
        type: :supervisor,
        start: {Acceptor, :start_pool, [acceptors, Keyword.get(options, :acceptors, 8), accept]}
      },
      {Drain,
       listener: listener,
       acceptors: acceptors,
       connections: connections,
       timeout: Keyword.get(options, :drain_timeout, 2_000)}
    ]

    Supervisor.init(children, strategy: :rest_for_one)
  end

  defp part(server, part), do: Module.concat(server, part |> Module.split() |> List.last())
end
