defmodule Shop.HTTP.Drain do
  @moduledoc """
  Stops the server without cutting anyone off.

  No more connections are accepted, idle ones are closed, and requests that run are answered, for as long
  as the timeout allows. This happens when the supervisor stops it, before anything else of the server.
  """

  use GenServer

  require Logger

  alias Shop.HTTP.{Connection, Listener}

  # Milliseconds between two looks at what still runs.
  @interval 20

  @doc "The supervisor waits a little longer than the drain may take."
  def child_spec(options) do
    %{
      id: __MODULE__,
      start: {__MODULE__, :start_link, [options]},
      shutdown: Keyword.fetch!(options, :timeout) + 500
    }
  end

  @doc "Options: `:listener`, `:acceptors`, `:connections`, `:timeout` (milliseconds)."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, Map.new(options))

  @impl true
  def init(state) do
    Process.flag(:trap_exit, true)
    {:ok, state}
  end

  @impl true
  def terminate(_reason, state) do
    deadline = now() + state.timeout
    :ok = Listener.close(state.listener)

    # Acceptors first: one may still be handing over the connection it took last.
    acceptors = fn ->
      for {_, pid, _, _} when is_pid(pid) <- Supervisor.which_children(state.acceptors), do: pid
    end

    await(acceptors, fn _pid -> :ok end, deadline)

    case await(
           fn -> Task.Supervisor.children(state.connections) end,
           &Connection.drain/1,
           deadline
         ) do
      0 -> :ok
      left -> Logger.warning("#{left} connections had to be cut off after #{state.timeout} ms")
    end
  end

  # Tells all of them, until there are none left or the time is up; returns how many are left.
  defp await(pids, tell, deadline) do
    case pids.() do
      [] ->
        0

      running ->
        Enum.each(running, tell)

        if now() < deadline do
          Process.sleep(@interval)
          await(pids, tell, deadline)
        else
          length(running)
        end
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
