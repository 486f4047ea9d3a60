defmodule Shop.Migrator do
  @moduledoc """
  Applies migrations to a database, and takes them back.

  The table `schema_migrations` says which ones are applied. All is done under an advisory lock, so when
  several containers migrate at once, one does and the others then find nothing to do. Each migration runs
  in a transaction together with its row in that table: a failed one leaves nothing behind.
  """

  alias Shop.Database.{Driver, Error}
  alias Shop.Migration

  # Any number will do, as long as nothing else in the database takes the same one.
  @lock 7_236_270_112_024

  @create_table """
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version bigint PRIMARY KEY,
    name text NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now()
  )
  """

  @type report :: (Migration.t() -> any())

  @doc "Applies what is pending, oldest first, and returns it; `report` is told of each one when it is done."
  @spec migrate(Driver.conn(), [Migration.t()], report()) ::
          {:ok, [Migration.t()]} | {:error, Exception.t()}
  def migrate(conn, migrations, report \\ &Function.identity/1) do
    with_lock(conn, fn applied ->
      migrations
      |> Migration.pending(applied)
      |> each(report, &apply_one(conn, &1))
    end)
  end

  @doc "Takes back the given version and all later ones, newest first, and returns them."
  @spec rollback(Driver.conn(), [Migration.t()], Migration.version(), report()) ::
          {:ok, [Migration.t()]} | {:error, Exception.t()}
  def rollback(conn, migrations, version, report \\ &Function.identity/1) do
    with_lock(conn, fn applied ->
      case Migration.to_roll_back(migrations, applied, version) do
        {:ok, undone} -> each(undone, report, &take_back(conn, &1))
        {:error, message} -> {:error, RuntimeError.exception(message)}
      end
    end)
  end

  @doc "Returns every migration with `:applied` or `:pending`, oldest first."
  @spec status(Driver.conn(), [Migration.t()]) ::
          {:ok, [{:applied | :pending, Migration.t()}]} | {:error, Exception.t()}
  def status(conn, migrations) do
    with_lock(conn, fn applied ->
      {:ok, Enum.map(migrations, &{if(&1.version in applied, do: :applied, else: :pending), &1})}
    end)
  end

  # When the connection is lost, the calls exit and PostgreSQL frees the lock by itself.
  defp with_lock(conn, fun) do
    with :ok <- lock(conn),
         :ok <- Driver.script(conn, @create_table),
         {:ok, rows} <- Driver.query(conn, "SELECT version FROM schema_migrations") do
      result = fun.(List.flatten(rows))
      with :ok <- Driver.script(conn, "SELECT pg_advisory_unlock(#{@lock})"), do: result
    end
  end

  # Bounded, so that a deployment fails rather than hangs behind a migration that does.
  defp lock(conn) do
    Driver.script(conn, """
    SET lock_timeout = '5min';
    SELECT pg_advisory_lock(#{@lock});
    RESET lock_timeout;
    """)
  end

  defp each(migrations, report, fun) do
    Enum.reduce_while(migrations, {:ok, migrations}, fn migration, result ->
      case fun.(migration) do
        :ok ->
          report.(migration)
          {:cont, result}

        {:error, %Error{} = error} ->
          context = "#{Migration.label(migration)} failed and left nothing behind"
          {:halt, {:error, %{error | message: "#{context}: #{error.message}"}}}
      end
    end)
  end

  defp apply_one(conn, %Migration{} = migration) do
    record = "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)"
    transaction(conn, migration.up, record, [migration.version, migration.name])
  end

  defp take_back(conn, %Migration{} = migration) do
    transaction(conn, migration.down, "DELETE FROM schema_migrations WHERE version = $1", [
      migration.version
    ])
  end

  defp transaction(conn, script, record, params) do
    with :ok <- Driver.script(conn, "BEGIN"),
         :ok <- Driver.script(conn, script),
         {:ok, _rows} <- Driver.query(conn, record, params),
         :ok <- Driver.script(conn, "COMMIT") do
      :ok
    else
      {:error, error} ->
        :ok = Driver.script(conn, "ROLLBACK")
        {:error, error}
    end
  end
end
