defmodule Shop.RouterTest do
  # Not async: it takes the names of the application's own database and server.
  use ExUnit.Case, async: false

  import Shop.Test.Client

  alias Shop.{Migration, Migrator, Router}
  alias Shop.HTTP.Request
  alias Shop.Test.Scratch

  defp call(method \\ "GET", path) do
    response = Router.call(%Request{method: method, target: "", path: path, version: {1, 1}})
    {response.status, Map.new(response.headers), JSON.decode!(IO.iodata_to_binary(response.body))}
  end

  test "what is not there" do
    for path <- [
          [],
          ["product"],
          ["products", "1", "2"],
          ["health", ""],
          ["products", "x"],
          ["products", "1x"]
        ] do
      assert {404, _, %{"error" => "not found"}} = call(path)
    end

    assert {404, _, _} = call(["products", "0"])
    assert {404, _, _} = call(["products", "99999999999999999999"])
  end

  test "what is there, but not for this method" do
    for path <- [["products"], ["products", "1"], ["health"]],
        method <- ["POST", "DELETE", "OPTIONS"] do
      assert {405, %{"allow" => "GET, HEAD"}, %{"error" => "method not allowed"}} =
               call(method, path)
    end
  end

  test "without a database, /health says why, and the rest is to be tried again" do
    start_supervised!({Shop.Database, url: "postgres://u:secret@127.0.0.1:1/d", pool_size: 1})

    assert call(["health"]) ==
             {503, %{"content-type" => "application/json"},
              %{
                "status" => "unavailable",
                "reason" => "cannot connect to the database: connection refused"
              }}

    assert {503, %{"retry-after" => "1"}, %{"error" => "service unavailable"}} =
             call(["products"])

    assert {503, %{"retry-after" => "1"}, %{"error" => "service unavailable"}} =
             call(["products", "1"])
  end

  describe "with a database" do
    @describetag :database

    setup do
      session = Scratch.schema!()
      start_supervised!({Shop.Database, url: Scratch.url(), pool_size: 2, session: session})
      %{session: session}
    end

    defp migrate!(session) do
      migrations = Migration.read!(Application.app_dir(:shop, "priv/migrations"))
      {:ok, _done} = Migrator.migrate(Scratch.open!(session), migrations)
    end

    test "answers with what is in it, through the whole server", %{session: session} do
      migrate!(session)
      start_supervised!({Shop.HTTP, port: 0, handler: &Router.call/1})
      socket = connect(Shop.HTTP.port())

      get!(socket, "/health")
      assert {200, _, ~s({"status":"ok"}\n)} = read!(socket)

      get!(socket, "/products")
      assert {200, _, body} = read!(socket)
      products = JSON.decode!(body)

      assert hd(products) == %{
               "id" => 1,
               "sku" => "TEA-GREEN",
               "name" => "Green tea, 100 g",
               "price_cents" => 690,
               "stock" => 20
             }

      assert Enum.map(products, & &1["id"]) == [1, 2, 3, 4, 5]

      get!(socket, "/products/4")
      assert {200, _, body} = read!(socket)

      assert body ==
               ~s({"id":4,"sku":"CUP-WHITE","name":"Cup, white","price_cents":1250,"stock":5}\n)

      get!(socket, "/products/6")
      assert {404, _, _} = read!(socket)
    end

    test "a database that was not migrated is healthy, but a fault of ours" do
      assert {200, _, %{"status" => "ok"}} = call(["health"])
      assert {500, _, %{"error" => "internal server error"}} = call(["products"])
    end

    test "survives PostgreSQL ending its connections", %{session: session} do
      migrate!(session)
      assert {200, _, _} = call(["products"])
      conn = Scratch.open!()

      {:ok, _} =
        Shop.Database.Driver.query(conn, """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'shop' AND pid <> pg_backend_pid()
        """)

      assert eventually_healthy?(200)
      assert {200, _, _} = call(["products"])
    end
  end

  defp eventually_healthy?(0), do: false

  defp eventually_healthy?(tries) do
    case call(["health"]) do
      {200, _, _} ->
        true

      {503, _, _} ->
        Process.sleep(10)
        eventually_healthy?(tries - 1)
    end
  end
end
