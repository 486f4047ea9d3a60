defmodule Shop.Release do
  @moduledoc """
  Tasks for a release, where there is no Mix:

      bin/shop eval "Shop.Release.migrate()"
      bin/shop eval "Shop.Release.rollback(20240115150000)"
      bin/shop eval "Shop.Release.status()"

  They need the application loaded, not started, print one line for each thing done, and raise when
  something fails, which makes `bin/shop` exit with 1.
  """

  alias Shop.Database.{Driver, DriverLog, URL}
  alias Shop.{Migration, Migrator}

  @app :shop

  @doc "Applies every migration that is pending, oldest first."
  @spec migrate() :: :ok
  def migrate do
    done = with_connection(&Migrator.migrate(&1, migrations(), report("Migrated")))
    if done == [], do: IO.puts("Nothing to migrate")
    :ok
  end

  @doc "Takes migrations back, newest first, down to the one with this version and including it, as Ecto does."
  @spec rollback(Migration.version()) :: :ok
  def rollback(version) when is_integer(version) do
    done = with_connection(&Migrator.rollback(&1, migrations(), version, report("Rolled back")))
    if done == [], do: IO.puts("Nothing to roll back")
    :ok
  end

  @doc "Prints every migration, and whether it is applied."
  @spec status() :: :ok
  def status do
    for {state, migration} <- with_connection(&Migrator.status(&1, migrations())) do
      IO.puts("#{state} #{Migration.label(migration)}")
    end

    :ok
  end

  defp report(verb), do: fn migration -> IO.puts("#{verb} #{Migration.label(migration)}") end

  defp migrations, do: Migration.read!(Application.app_dir(@app, "priv/migrations"))

  defp with_connection(fun) do
    DriverLog.install()
    {:ok, _started} = Application.ensure_all_started(:p1_pgsql)
    Application.ensure_loaded(@app)

    options =
      @app |> Application.fetch_env!(Shop.Database) |> Keyword.fetch!(:url) |> URL.parse!()

    # The driver is linked: a lost connection is to be reported, not to end this process.
    Process.flag(:trap_exit, true)

    with {:ok, conn} <- Driver.open(options),
         {:ok, result} <- run(fun, conn) do
      result
    else
      {:error, error} -> raise error
    end
  end

  defp run(fun, conn) do
    fun.(conn)
  after
    Driver.close(conn)
  end
end
