defmodule Shop.Database do
  @moduledoc """
  PostgreSQL behind a pool of connections.

  Options of `start_link/1`:

    * `:url` - `postgres://USER:PASSWORD@HOST:PORT/DATABASE`
    * `:pool_size` - connections to keep open (default 10)
    * `:queue_limit` - callers that may wait for a connection (default 50)
    * `:queue_timeout` - milliseconds a caller waits at most (default 1000)
    * `:session` - SQL that prepares each new connection
    * `:name` - default `Shop.Database`
  """

  use Supervisor

  alias Shop.Database.{Connection, Driver, Error, Pool, URL}

  # PostgreSQL gives a statement up a little before the driver, after 5 s, gives the connection up. Notices
  # in the middle of a statement are more than the driver expects.
  @session """
  SET application_name = 'shop';
  SET statement_timeout = '4s';
  SET client_min_messages = 'error';
  """

  @spec start_link(keyword()) :: Supervisor.on_start()
  def start_link(options) do
    name = Keyword.get(options, :name, __MODULE__)
    Supervisor.start_link(__MODULE__, [name: name] ++ options, name: name)
  end

  @doc """
  Runs one statement with its parameters `$1`, `$2`, … and returns its rows.

  A statement that gives no rows returns an empty list. Texts, integers and booleans are decoded, and a
  column that may be `NULL` is for the statement to `coalesce`: the driver knows no more than that.
  """
  @spec query(String.t(), [Driver.param()], Supervisor.name()) ::
          {:ok, [[Driver.value()]]} | {:error, Error.t()}
  def query(statement, params \\ [], database \\ __MODULE__) do
    Pool.run(pool(database), &Driver.query(&1, statement, params))
  end

  @impl true
  def init(options) do
    pool = pool(Keyword.fetch!(options, :name))
    driver_options = options |> Keyword.fetch!(:url) |> URL.parse!()
    session = @session <> Keyword.get(options, :session, "")
    open = fn -> Driver.open(driver_options, session) end
    pool_options = [name: pool] ++ Keyword.take(options, [:queue_limit, :queue_timeout])

    connections =
      for number <- 1..Keyword.get(options, :pool_size, 10) do
        Supervisor.child_spec({Connection, pool: pool, open: open}, id: {Connection, number})
      end

    children = [
      {Pool, pool_options},
      %{
        id: :connections,
        type: :supervisor,
        start: {Supervisor, :start_link, [connections, [strategy: :one_for_one]]}
      }
    ]

    # A new pool knows no connections: they start again and report to it.
    Supervisor.init(children, strategy: :rest_for_one)
  end

  defp pool(database), do: Module.concat(database, Pool)
end
