defmodule Shop.Database.Connection do
  @moduledoc """
  Keeps one connection open and lends it to the pool.

  When the database goes away it tries again, at first soon, then at ever longer intervals. The intervals
  are random within bounds, so the connections of many containers do not all come back at one moment.
  """

  # Opening may take seconds, and the connection dies with this process: nothing to wait for.
  use GenServer, shutdown: :brutal_kill

  require Logger

  alias Shop.Database.{Driver, Error, Pool}

  @first_backoff 100
  @last_backoff 5_000

  @doc "Options: `:pool`, and `:open`, a function that opens a connection linked to its caller."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options)

  @doc "Closes the connection `conn`, which is in an unknown state, and opens another."
  @spec replace(pid(), Driver.conn()) :: :ok
  def replace(connection, conn), do: GenServer.cast(connection, {:replace, conn})

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)

    state = %{
      pool: Keyword.fetch!(options, :pool),
      open: Keyword.fetch!(options, :open),
      conn: nil,
      backoff: @first_backoff
    }

    {:ok, state, {:continue, :open}}
  end

  @impl true
  def handle_continue(:open, state), do: {:noreply, open(state)}

  @impl true
  def handle_cast({:replace, conn}, %{conn: conn} = state) do
    Driver.close(conn)
    {:noreply, open(%{state | conn: nil})}
  end

  # It was lost in the meantime.
  def handle_cast({:replace, _conn}, state), do: {:noreply, state}

  @impl true
  def handle_info(:open, %{conn: nil} = state), do: {:noreply, open(state)}

  def handle_info({:EXIT, conn, _reason}, %{conn: conn} = state) do
    Logger.info("lost a connection to the database")
    Pool.down(state.pool, %Error{kind: :lost, message: "the connection to the database was lost"})
    {:noreply, open(%{state | conn: nil})}
  end

  # Of a connection that was closed or could not be opened.
  def handle_info({:EXIT, _pid, _reason}, state), do: {:noreply, state}

  defp open(state) do
    case state.open.() do
      {:ok, conn} ->
        Pool.up(state.pool, conn)
        %{state | conn: conn, backoff: @first_backoff}

      {:error, error} ->
        Pool.down(state.pool, error)
        Process.send_after(self(), :open, div(state.backoff, 2) + :rand.uniform(state.backoff))
        %{state | backoff: min(2 * state.backoff, @last_backoff)}
    end
  end
end
