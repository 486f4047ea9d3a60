defmodule Shop.MigratorTest do
  use ExUnit.Case, async: true

  alias Shop.Database.{Driver, Error}
  alias Shop.{Migration, Migrator}
  alias Shop.Test.Scratch

  @moduletag :database

  @one %Migration{version: 1, name: "one", up: "CREATE TABLE one (a int)", down: "DROP TABLE one"}
  @two %Migration{
    version: 2,
    name: "two",
    up: "INSERT INTO one VALUES (1); INSERT INTO one VALUES (2)",
    down: "DELETE FROM one"
  }
  @broken %Migration{
    version: 3,
    name: "broken",
    up: "CREATE TABLE half (a int); SELECT nothing FROM nowhere",
    down: "DROP TABLE half"
  }

  setup do
    session = Scratch.schema!()
    %{session: session, conn: Scratch.open!(session)}
  end

  defp tables(conn) do
    {:ok, rows} =
      Driver.query(conn, """
      SELECT tablename::text FROM pg_tables
      WHERE schemaname = current_schema() AND tablename <> 'schema_migrations' ORDER BY 1
      """)

    List.flatten(rows)
  end

  test "applies what is pending, once, and says so", %{conn: conn} do
    report = &send(self(), {:done, &1.name})
    assert Migrator.migrate(conn, [@one], report) == {:ok, [@one]}
    assert_received {:done, "one"}
    assert Migrator.migrate(conn, [@one, @two], report) == {:ok, [@two]}
    assert_received {:done, "two"}
    assert Migrator.migrate(conn, [@one, @two], report) == {:ok, []}
    refute_received {:done, _}

    assert Driver.query(conn, "SELECT a FROM one ORDER BY a") == {:ok, [[1], [2]]}

    assert Driver.query(conn, "SELECT version, name FROM schema_migrations ORDER BY version") ==
             {:ok, [[1, "one"], [2, "two"]]}
  end

  test "takes migrations back, down to a version", %{conn: conn} do
    {:ok, _} = Migrator.migrate(conn, [@one, @two])
    assert Migrator.rollback(conn, [@one, @two], 2) == {:ok, [@two]}
    assert Driver.query(conn, "SELECT a FROM one") == {:ok, []}
    assert Migrator.status(conn, [@one, @two]) == {:ok, [applied: @one, pending: @two]}

    assert Migrator.rollback(conn, [@one, @two], 1) == {:ok, [@one]}
    assert tables(conn) == []
    assert Migrator.rollback(conn, [@one, @two], 1) == {:ok, []}
  end

  test "a failing migration leaves nothing behind, those before it stay", %{conn: conn} do
    assert {:error, %Error{kind: :statement, code: "42P01", message: message}} =
             Migrator.migrate(conn, [@one, @broken])

    assert message ==
             ~s(3_broken failed and left nothing behind: ERROR 42P01: relation "nowhere" does not exist)

    assert tables(conn) == ["one"]
    assert Migrator.status(conn, [@one, @broken]) == {:ok, [applied: @one, pending: @broken]}
    assert Migrator.migrate(conn, [@one, @two]) == {:ok, [@two]}
  end

  test "refuses to roll back what it does not know", %{conn: conn} do
    {:ok, _} = Migrator.migrate(conn, [@one, @two])
    assert {:error, %RuntimeError{message: message}} = Migrator.rollback(conn, [@one], 1)
    assert message == "there is no migration 2 in this release"
  end

  test "of several at once, each migration is applied by one", %{session: session} do
    slow = %{@two | up: "SELECT pg_sleep(0.1); INSERT INTO one VALUES (1)"}

    applied =
      1..4
      |> Enum.map(fn _ ->
        Task.async(fn -> Migrator.migrate(Scratch.open!(session), [@one, slow]) end)
      end)
      |> Task.await_many()
      |> Enum.map(fn {:ok, done} -> Enum.map(done, & &1.name) end)

    assert Enum.sort(applied) == [[], [], [], ["one", "two"]]
  end
end
