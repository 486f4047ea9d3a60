defmodule Shop.HTTP.ParserTest do
  use ExUnit.Case, async: true

  alias Shop.HTTP.{Parser, Request}

  defp parse(bytes), do: Parser.feed(Parser.new(), bytes)

  defp head(lines), do: Enum.map_join(lines, &(&1 <> "\r\n")) <> "\r\n"

  test "reads a request, and keeps what follows it for the next one" do
    bytes = head(["GET /products/7?a=b HTTP/1.1", "Host: shop", "X-Thing:  one "])
    assert {:ok, request, parser} = parse(bytes <> "GET /")

    assert request == %Request{
             method: "GET",
             target: "/products/7?a=b",
             path: ["products", "7"],
             version: {1, 1},
             headers: [{"host", "shop"}, {"x-thing", "one"}]
           }

    assert {:ok, %Request{path: ["b"]}, rest} =
             Parser.feed(parser, "b HTTP/1.1\r\nhost: shop\r\n\r\n")

    assert Parser.idle?(rest)
  end

  test "reads the same however the bytes are cut" do
    bytes = head(["", "DELETE /a%20b/ HTTP/1.0", "Host: shop", "Cookie: x"])
    {:ok, whole, _} = parse(bytes)

    for cut <- 0..byte_size(bytes) do
      <<first::binary-size(^cut), second::binary>> = bytes

      pieces =
        case parse(first) do
          {:more, parser} -> Parser.feed(parser, second)
          complete -> complete
        end

      assert {:ok, ^whole, _parser} = pieces
    end
  end

  test "knows when it is between requests" do
    assert Parser.idle?(Parser.new())
    assert {:more, parser} = parse("\r\n")
    assert Parser.idle?(parser)
    assert {:more, parser} = parse("G")
    refute Parser.idle?(parser)
    assert {:more, parser} = parse("GET / HTTP/1.1\r\n")
    refute Parser.idle?(parser)
  end

  for {what, status, lines} <- [
        {"a line that is no request", 400, ["hello"]},
        {"a response", 400, ["HTTP/1.1 200 OK"]},
        {"no Host", 400, ["GET / HTTP/1.1"]},
        {"two Hosts", 400, ["GET / HTTP/1.1", "Host: a", "Host: b"]},
        {"a header without a colon", 400, ["GET / HTTP/1.1", "Host: a", "thing"]},
        {"a space before the colon", 400, ["GET / HTTP/1.1", "Host: a", "thing : b"]},
        {"a bad escape in the path", 400, ["GET /%zz HTTP/1.1", "Host: a"]},
        {"a path that is no UTF-8", 400, ["GET /%ff HTTP/1.1", "Host: a"]},
        {"another version", 505, ["GET / HTTP/2.0", "Host: a"]},
        {"a request line too long", 414,
         ["GET /#{String.duplicate("a", 8_192)} HTTP/1.1", "Host: a"]},
        {"a header too long", 431,
         ["GET / HTTP/1.1", "Host: a", "b: #{String.duplicate("a", 16_384)}"]},
        {"too many headers", 431,
         ["GET / HTTP/1.1", "Host: a" | for(n <- 1..100, do: "h#{n}: x")]}
      ] do
    test "#{what} is answered with #{status}" do
      assert parse(head(unquote(lines))) == {:error, unquote(status)}
    end
  end

  test "gives up on lines without an end" do
    assert parse(String.duplicate("a", 8_193)) == {:error, 414}
    assert parse("GET / HTTP/1.1\r\na: " <> String.duplicate("a", 16_384)) == {:error, 431}
  end

  test "an HTTP/1.0 client needs no Host" do
    assert {:ok, %Request{version: {1, 0}}, _} = parse("GET / HTTP/1.0\r\n\r\n")
  end

  test "keep-alive is the default of HTTP/1.1 and must be asked for in HTTP/1.0" do
    for {version, connection, keep?} <- [
          {"1.1", "x: y", true},
          {"1.1", "connection: Close", false},
          {"1.1", "connection: upgrade, close", false},
          {"1.0", "x: y", false},
          {"1.0", "connection: Keep-Alive", true}
        ] do
      {:ok, request, _} = parse(head(["GET / HTTP/#{version}", "host: a", connection]))
      assert Request.keep_alive?(request) == keep?
    end
  end

  test "tells whether a body follows" do
    for {header, body?} <- [
          {"x: y", false},
          {"content-length: 0", false},
          {"content-length: 3", true},
          {"transfer-encoding: chunked", true}
        ] do
      {:ok, request, _} = parse(head(["POST / HTTP/1.1", "host: a", header]))
      assert Request.body?(request) == body?
    end
  end
end
