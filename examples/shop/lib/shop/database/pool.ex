defmodule Shop.Database.Pool do
  @moduledoc """
  Lends connections to those who ask, one at a time each, in the order they asked.

  The queue is bounded in length and in time, and while there is no connection at all everyone is told so
  at once: under load it is better to refuse a request than to answer it too late. A connection whose
  borrower died or raised is in an unknown state, perhaps in the middle of a transaction, and is replaced.
  """

  use GenServer

  require Logger

  alias Shop.Database.{Connection, Driver, Error}

  # owners: the Connections that are monitored; conns: owner => conn, of those that have one; idle: owners;
  # lent: lease => {owner, conn}; error: why there was no connection, the last time one was missing.
  defstruct [
    :queue_limit,
    :queue_timeout,
    :error,
    owners: MapSet.new(),
    conns: %{},
    idle: [],
    lent: %{},
    waiting: :queue.new()
  ]

  @doc "Options: `:name`, `:queue_limit` (callers), `:queue_timeout` (milliseconds)."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(__MODULE__, options, Keyword.take(options, [:name]))
  end

  @doc "Calls `fun` with a connection of the pool and returns its result, or an error when there is none."
  @spec run(GenServer.server(), (Driver.conn() -> result)) :: result | {:error, Error.t()}
        when result: any()
  def run(pool, fun) do
    with {:ok, lease, conn} <- GenServer.call(pool, :checkout, :infinity) do
      try do
        fun.(conn)
      catch
        # The connection is a process: a call that is not answered exits.
        :exit, _reason ->
          GenServer.cast(pool, {:checkin, lease, :broken})
          {:error, %Error{kind: :lost, message: "the database did not answer"}}

        kind, reason ->
          GenServer.cast(pool, {:checkin, lease, :broken})
          :erlang.raise(kind, reason, __STACKTRACE__)
      else
        result ->
          GenServer.cast(pool, {:checkin, lease, :sound})
          result
      end
    end
  end

  @doc "Tells the pool of the calling `Shop.Database.Connection`'s new connection."
  @spec up(GenServer.server(), Driver.conn()) :: :ok
  def up(pool, conn), do: GenServer.cast(pool, {:up, self(), conn})

  @doc "Tells the pool that the calling `Shop.Database.Connection` has no connection."
  @spec down(GenServer.server(), Error.t()) :: :ok
  def down(pool, error), do: GenServer.cast(pool, {:down, self(), error})

  @impl true
  def init(options) do
    {:ok,
     %__MODULE__{
       queue_limit: Keyword.get(options, :queue_limit, 50),
       queue_timeout: Keyword.get(options, :queue_timeout, 1_000)
     }}
  end

  @impl true
  def handle_call(:checkout, {pid, _tag} = from, state) do
    cond do
      state.conns == %{} and state.error != nil ->
        {:reply, {:error, state.error}, state}

      state.idle != [] ->
        [owner | idle] = state.idle
        {:noreply, lend(%{state | idle: idle}, owner, from, Process.monitor(pid))}

      :queue.len(state.waiting) >= state.queue_limit ->
        {:reply,
         {:error, %Error{kind: :busy, message: "too many requests wait for the database"}}, state}

      true ->
        lease = Process.monitor(pid)
        timer = Process.send_after(self(), {:waited, lease}, state.queue_timeout)
        {:noreply, %{state | waiting: :queue.in({lease, from, timer}, state.waiting)}}
    end
  end

  @impl true
  def handle_cast({:up, owner, conn}, state) do
    if state.error && state.conns == %{}, do: Logger.info("the database answers again")
    state = watch(state, owner)
    {:noreply, offer(%{state | conns: Map.put(state.conns, owner, conn), error: nil}, owner)}
  end

  def handle_cast({:down, owner, error}, state) do
    next = forget(state, owner, error)
    # Once for each reason, not at every try of every connection.
    known? = state.conns == %{} and state.error == error
    if next.conns == %{} and not known?, do: Logger.error(Exception.message(error))
    {:noreply, next}
  end

  def handle_cast({:checkin, lease, condition}, state) do
    Process.demonitor(lease, [:flush])
    {:noreply, take_back(state, lease, condition)}
  end

  @impl true
  def handle_info({:waited, lease}, state) do
    case take_waiting(state, lease) do
      {{_lease, from, _timer}, state} ->
        Process.demonitor(lease, [:flush])

        error = %Error{
          kind: :timeout,
          message: "no connection to the database became free in time"
        }

        GenServer.reply(from, {:error, error})
        {:noreply, state}

      # Its connection came at the last moment.
      nil ->
        {:noreply, state}
    end
  end

  def handle_info({:DOWN, ref, :process, pid, _reason}, state) do
    cond do
      is_map_key(state.lent, ref) ->
        {:noreply, take_back(state, ref, :broken)}

      pid in state.owners ->
        state = %{state | owners: MapSet.delete(state.owners, pid)}
        error = %Error{kind: :lost, message: "the connection to the database was lost"}
        {:noreply, forget(state, pid, error)}

      true ->
        {:noreply, leave_queue(state, ref)}
    end
  end

  defp watch(state, owner) do
    unless owner in state.owners, do: Process.monitor(owner)
    %{state | owners: MapSet.put(state.owners, owner)}
  end

  defp lend(state, owner, from, lease) do
    conn = Map.fetch!(state.conns, owner)
    GenServer.reply(from, {:ok, lease, conn})
    %{state | lent: Map.put(state.lent, lease, {owner, conn})}
  end

  # To the first who waits, or onto the pile; the last one used goes first, the rest may stay idle.
  defp offer(state, owner) do
    case :queue.out(state.waiting) do
      {{:value, {lease, from, timer}}, waiting} ->
        Process.cancel_timer(timer)
        lend(%{state | waiting: waiting}, owner, from, lease)

      {:empty, _waiting} ->
        %{state | idle: [owner | state.idle]}
    end
  end

  defp take_back(state, lease, condition) do
    {{owner, conn}, lent} = Map.pop(state.lent, lease, {nil, nil})
    state = %{state | lent: lent}

    case {Map.get(state.conns, owner), condition} do
      # Lent by a pool before this one, or lost while it was lent.
      {current, _condition} when current == nil or current != conn ->
        state

      {_conn, :sound} ->
        offer(state, owner)

      {_conn, :broken} ->
        Connection.replace(owner, conn)
        %{state | conns: Map.delete(state.conns, owner)}
    end
  end

  defp forget(state, owner, error) do
    state = %{
      state
      | conns: Map.delete(state.conns, owner),
        idle: List.delete(state.idle, owner),
        error: error
    }

    if state.conns == %{}, do: refuse_waiting(state), else: state
  end

  defp leave_queue(state, lease) do
    case take_waiting(state, lease) do
      {{_lease, _from, timer}, state} ->
        Process.cancel_timer(timer)
        state

      nil ->
        state
    end
  end

  defp refuse_waiting(state) do
    for {lease, from, timer} <- :queue.to_list(state.waiting) do
      Process.cancel_timer(timer)
      Process.demonitor(lease, [:flush])
      GenServer.reply(from, {:error, state.error})
    end

    %{state | waiting: :queue.new()}
  end

  defp take_waiting(state, lease) do
    case Enum.split_with(:queue.to_list(state.waiting), &(elem(&1, 0) == lease)) do
      {[waiter], rest} -> {waiter, %{state | waiting: :queue.from_list(rest)}}
      {[], _rest} -> nil
    end
  end
end
