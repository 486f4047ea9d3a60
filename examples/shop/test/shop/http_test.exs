defmodule Shop.HTTPTest do
  use ExUnit.Case, async: true

  import Shop.Test.Client

  alias Shop.HTTP.Response

  # Answers with what was asked; /slow waits for the test, /crash raises.
  defp start_server!(options \\ []) do
    test = self()

    handler = fn request ->
      case request.path do
        ["crash"] ->
          raise "oops"

        ["slow"] ->
          send(test, {:slow, self()})

          receive do
            :go_on -> Response.json(200, "slow")
          end

        path ->
          Response.json(200, path)
      end
    end

    name = Module.concat(__MODULE__, "Server#{System.unique_integer([:positive])}")
    options = [name: name, handler: handler, port: 0, acceptors: 2] ++ options
    start_supervised!(Supervisor.child_spec({Shop.HTTP, options}, restart: :temporary))
    {name, Shop.HTTP.port(name)}
  end

  test "answers requests, one after the other, on one connection" do
    {_, port} = start_server!()
    socket = connect(port)

    for path <- ["a", "b"] do
      get!(socket, "/#{path}")
      assert {200, headers, body} = read!(socket)
      assert body == ~s(["#{path}"]\n)
      assert headers["content-type"] == "application/json"
      assert headers["date"] =~ ~r/\A\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT\z/
      refute headers["connection"]
    end
  end

  test "answers requests that were sent without waiting" do
    {_, port} = start_server!()
    socket = connect(port)

    send!(
      socket,
      "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )

    assert {200, _, ~s(["a"]\n)} = read!(socket)
    assert {200, %{"connection" => "close"}, ~s(["b"]\n)} = read!(socket)
    assert closed?(socket)
  end

  test "answers HEAD as GET, without the body" do
    {_, port} = start_server!()
    socket = connect(port)
    send!(socket, "HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n")
    assert {200, %{"content-length" => "6"}, ""} = read!(socket, head: true)
    get!(socket, "/b")
    assert {200, _, ~s(["b"]\n)} = read!(socket)
  end

  test "closes after a request with a body, which nothing here reads" do
    {_, port} = start_server!()
    assert refusal(port, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi") == 200
  end

  test "refuses what is no request, or too long" do
    {_, port} = start_server!()
    long = String.duplicate("a", 20_000)
    assert refusal(port, "hello\r\n") == 400
    assert refusal(port, "GET / HTTP/1.1\r\n\r\n") == 400
    assert refusal(port, "GET /#{long} HTTP/1.1\r\nhost: x\r\n\r\n") == 414
    assert refusal(port, "GET / HTTP/1.1\r\nhost: #{long}\r\n\r\n") == 431
    assert refusal(port, "GET / HTTP/3.0\r\nhost: x\r\n\r\n") == 505
  end

  test "answers 500 when the handler fails, and goes on" do
    {_, port} = start_server!()
    socket = connect(port)
    get!(socket, "/crash")
    assert {500, _, ~s({"error":"internal server error"}\n)} = read!(socket)
    get!(socket, "/a")
    assert {200, _, _} = read!(socket)
  end

  test "gives up on a request that does not come to its end" do
    {_, port} = start_server!(head_timeout: 20)
    assert refusal(port, "GET / HT") == 408
  end

  test "closes a connection on which nothing comes" do
    {_, port} = start_server!(idle_timeout: 20)
    assert port |> connect() |> closed?()
  end

  test "refuses connections beyond the limit" do
    {_, port} = start_server!(max_connections: 1)
    first = connect(port)
    get!(first, "/a")
    assert {200, _, _} = read!(first)

    second = connect(port)
    assert {503, %{"retry-after" => "1", "connection" => "close"}, _} = read!(second)
    assert closed?(second)
  end

  describe "when it is stopped" do
    test "answers the request that runs, closes idle connections, and accepts no more" do
      {name, port} = start_server!(drain_timeout: 5_000)
      idle = connect(port)
      get!(idle, "/a")
      assert {200, _, _} = read!(idle)
      busy = connect(port)
      get!(busy, "/slow")
      assert_receive {:slow, handler}

      stop = Task.async(fn -> Supervisor.stop(name) end)
      assert closed?(idle)
      assert :gen_tcp.connect(~c"127.0.0.1", port, []) == {:error, :econnrefused}
      send(handler, :go_on)
      assert {200, %{"connection" => "close"}, ~s("slow"\n)} = read!(busy)
      assert closed?(busy)
      assert Task.await(stop) == :ok
    end

    test "cuts off what takes longer than the drain timeout" do
      {name, port} = start_server!(drain_timeout: 20)
      socket = connect(port)
      get!(socket, "/slow")
      assert_receive {:slow, _handler}

      assert Supervisor.stop(name) == :ok
      assert closed?(socket)
    end
  end
end
