defmodule Shop.Test.Scratch do
  @moduledoc "A schema of its own, in the database that DATABASE_URL names, for each test."

  import ExUnit.Callbacks, only: [on_exit: 1]

  alias Shop.Database.{Driver, URL}

  @doc "Makes an empty schema that goes away after the test; returns the SQL that makes a session use it."
  def schema! do
    name = "shop_test_#{System.unique_integer([:positive])}_#{System.pid()}"
    script!("CREATE SCHEMA #{name}")
    on_exit(fn -> script!("DROP SCHEMA #{name} CASCADE") end)
    "SET search_path = #{name};"
  end

  @doc "Opens a connection, which ends with the calling process."
  def open!(session \\ "") do
    {:ok, conn} = Driver.open(URL.parse!(url()), session)
    conn
  end

  @doc "Returns DATABASE_URL."
  def url, do: System.fetch_env!("DATABASE_URL")

  defp script!(sql) do
    conn = open!()
    :ok = Driver.script(conn, sql)
    Driver.close(conn)
  end
end
