defmodule Shop.Database.DriverTest do
  use ExUnit.Case, async: true

  alias Shop.Database.{Driver, Error, URL}
  alias Shop.Test.Scratch

  test "says why it can't connect, and not with which password" do
    Process.flag(:trap_exit, true)
    {:ok, listening} = :gen_tcp.listen(0, [])
    {:ok, port} = :inet.port(listening)
    :gen_tcp.close(listening)

    assert {:error, %Error{kind: :connect, message: message}} =
             Driver.open(URL.parse!("postgres://ann:secret@127.0.0.1:#{port}/shop"))

    assert message == "cannot connect to the database: connection refused"
  end

  test "says so when what answers is no PostgreSQL" do
    Process.flag(:trap_exit, true)
    {:ok, listening} = :gen_tcp.listen(0, [:binary])
    {:ok, port} = :inet.port(listening)

    Task.async(fn ->
      {:ok, socket} = :gen_tcp.accept(listening)
      :gen_tcp.close(socket)
    end)

    assert {:error, %Error{kind: :connect, message: message}} =
             Driver.open(URL.parse!("postgres://ann:secret@127.0.0.1:#{port}/shop"))

    assert message =~ "cannot connect to the database: "
    refute message =~ "secret"
  end

  describe "with a database" do
    @describetag :database

    setup do
      %{conn: Scratch.open!()}
    end

    test "passes parameters and decodes what it gets back", %{conn: conn} do
      assert Driver.query(conn, "SELECT $1::bigint, $2::text, $3::int, $4::boolean", [
               -9_000_000_000,
               "Robert'); DROP TABLE products; -- é",
               7,
               "\x01"
             ]) == {:ok, [[-9_000_000_000, "Robert'); DROP TABLE products; -- é", 7, true]]}
    end

    test "returns what PostgreSQL refused, and goes on working", %{conn: conn} do
      assert {:error, %Error{kind: :statement, code: "42601"} = error} =
               Driver.query(conn, "SELEC 1")

      assert Exception.message(error) == ~s(ERROR 42601: syntax error at or near "SELEC")
      assert {:error, %Error{code: "22012"}} = Driver.query(conn, "SELECT 1 / $1::int", [0])
      assert Driver.query(conn, "SELECT 1") == {:ok, [[1]]}
    end

    test "a script stops at its first error", %{conn: conn} do
      assert {:error, %Error{code: "42P01"}} =
               Driver.script(conn, "CREATE TEMP TABLE t (a int); SELECT * FROM nowhere")

      assert {:error, %Error{code: "42P01"}} = Driver.query(conn, "SELECT * FROM t")
      assert Driver.script(conn, "") == :ok
    end

    test "a wrong database is PostgreSQL's to name" do
      Process.flag(:trap_exit, true)
      options = Keyword.put(URL.parse!(Scratch.url()), :database, "no such database")
      assert {:error, %Error{kind: :connect, code: "3D000"}} = Driver.open(options)
    end

    test "a session that can't be prepared is closed" do
      assert {:error, %Error{kind: :connect, code: "42601"}} =
               Driver.open(URL.parse!(Scratch.url()), "SELEC 1")
    end
  end
end
