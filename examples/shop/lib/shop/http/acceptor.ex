defmodule Shop.HTTP.Acceptor do
  @moduledoc "Takes connections from the listener and hands each to a process of its own."

  require Logger

  alias Shop.HTTP.{Connection, Listener, Response}

  # Out of file descriptors, most likely: trying again at once would only burn the CPU.
  @pause 100

  @doc "Starts a supervisor with `count` acceptors."
  @spec start_pool(atom(), pos_integer(), (-> any())) :: Supervisor.on_start()
  def start_pool(name, count, accept) do
    children =
      for number <- 1..count do
        # transient: they end by themselves when the listener was closed.
        Supervisor.child_spec({Task, accept}, id: number, restart: :transient)
      end

    Supervisor.start_link(children, strategy: :one_for_one, name: name)
  end

  @doc "Accepts connections until the listening socket is closed."
  @spec run(GenServer.server(), Supervisor.name(), Connection.options()) :: :ok
  def run(listener, connections, options) do
    accept(Listener.socket(listener), connections, options)
  end

  defp accept(listening, connections, options) do
    case :gen_tcp.accept(listening) do
      {:ok, socket} ->
        hand_over(socket, connections, options)
        accept(listening, connections, options)

      {:error, :closed} ->
        :ok

      {:error, reason} ->
        Logger.error("cannot accept a connection: #{:inet.format_error(reason)}")
        Process.sleep(@pause)
        accept(listening, connections, options)
    end
  end

  defp hand_over(socket, connections, options) do
    case Task.Supervisor.start_child(connections, Connection, :serve, [socket, options]) do
      {:ok, pid} ->
        # Fails when the client has already gone, which the connection then finds out.
        _ = :gen_tcp.controlling_process(socket, pid)
        send(pid, {:yours, socket})

      {:error, :max_children} ->
        busy = Response.error(503, [{"retry-after", "1"}])
        _ = :gen_tcp.send(socket, Response.encode(busy, close: true))
        :gen_tcp.close(socket)
    end
  end
end
