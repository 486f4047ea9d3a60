defmodule Shop.HTTP.Connection do
  @moduledoc """
  One client's connection: reads requests, one after the other, and answers them.

  It ends when the client does, after an answer to a faulty request, when nothing comes for too long, and
  soon after `drain/1`.
  """

  require Logger

  alias Shop.HTTP.{Parser, Request, Response}

  # Milliseconds until it gives up on an acceptor that died on the way.
  @handover 5_000

  # While draining, milliseconds for a request that was already on its way.
  @drain_grace 100

  # After a last answer, milliseconds and bytes to go on reading for (RFC 9112, 9.6): closing with bytes
  # unread would reset the connection, and the client might never see the answer.
  @linger 500
  @linger_bytes 65_536

  @enforce_keys [:socket, :options, :deadline]
  defstruct [:socket, :options, :deadline, parser: Parser.new(), draining: false]

  @type options :: %{
          handler: (Request.t() -> Response.t()),
          idle_timeout: timeout(),
          head_timeout: timeout()
        }

  @doc "Returns the options with their defaults."
  @spec options(keyword()) :: options()
  def options(options),
    do: Map.merge(%{idle_timeout: 60_000, head_timeout: 10_000}, Map.new(options))

  @doc "Asks a connection to end: at once if it is idle, else after the answer it is working on."
  @spec drain(pid()) :: :ok
  def drain(pid) do
    send(pid, :drain)
    :ok
  end

  @doc "Serves the client once the socket was handed over with `{:yours, socket}`."
  @spec serve(:gen_tcp.socket(), options()) :: :ok
  def serve(socket, options) do
    receive do
      {:yours, ^socket} ->
        await(%__MODULE__{
          socket: socket,
          options: options,
          deadline: now() + options.idle_timeout
        })

        :gen_tcp.close(socket)
    after
      @handover -> :ok
    end
  end

  # Waits for bytes, for the order to drain, or for the deadline, whichever comes first.
  defp await(connection) do
    case :inet.setopts(connection.socket, active: :once) do
      :ok -> listen(connection)
      {:error, _closed} -> :ok
    end
  end

  defp listen(%{socket: socket} = connection) do
    receive do
      {:tcp, ^socket, bytes} -> read(connection, bytes)
      {:tcp_closed, ^socket} -> :ok
      {:tcp_error, ^socket, _reason} -> :ok
      :drain -> connection |> draining() |> await()
    after
      max(connection.deadline - now(), 0) -> expire(connection)
    end
  end

  defp draining(%{draining: true} = connection), do: connection

  defp draining(connection) do
    deadline =
      if Parser.idle?(connection.parser),
        do: min(connection.deadline, now() + @drain_grace),
        else: connection.deadline

    %{connection | draining: true, deadline: deadline}
  end

  defp expire(connection) do
    unless Parser.idle?(connection.parser), do: refuse(connection, 408)
  end

  defp read(connection, bytes) do
    fresh? = Parser.idle?(connection.parser)

    case Parser.feed(connection.parser, bytes) do
      {:ok, request, parser} ->
        answer(%{connection | parser: parser}, request)

      {:more, parser} ->
        connection = %{connection | parser: parser}
        await(if fresh?, do: expect(connection), else: connection)

      {:error, status} ->
        refuse(connection, status)
    end
  end

  defp answer(connection, request) do
    started = now()
    response = call(connection.options.handler, request)
    connection = heed_drain(connection)

    # Nothing here takes a body: what follows such a head can't be the next request.
    last? = connection.draining or Request.body?(request) or not Request.keep_alive?(request)
    bytes = Response.encode(response, close: last?, head: request.method == "HEAD")
    sent = :gen_tcp.send(connection.socket, bytes)
    log(request, response, now() - started)

    cond do
      sent != :ok -> :ok
      last? -> linger(connection.socket)
      true -> next(connection)
    end
  end

  # The client may have sent further requests already, without waiting for the answer.
  defp next(connection), do: connection |> expect() |> read("")

  # Time for a request to come, or for the rest of one that has begun.
  defp expect(%{options: options} = connection) do
    timeout =
      if Parser.idle?(connection.parser), do: options.idle_timeout, else: options.head_timeout

    %{connection | deadline: now() + timeout}
  end

  defp call(handler, %Request{method: "HEAD"} = request),
    do: call(handler, %{request | method: "GET"})

  defp call(handler, request) do
    handler.(request)
  catch
    kind, reason ->
      Logger.error(Exception.format(kind, reason, __STACKTRACE__))
      Response.error(500)
  end

  defp heed_drain(connection) do
    receive do
      :drain -> %{connection | draining: true}
    after
      0 -> connection
    end
  end

  defp refuse(connection, status) do
    bytes = Response.encode(Response.error(status), close: true)
    if :gen_tcp.send(connection.socket, bytes) == :ok, do: linger(connection.socket)
  end

  defp linger(socket) do
    _ = :gen_tcp.shutdown(socket, :write)
    _ = :inet.setopts(socket, active: false)
    linger(socket, now() + @linger, @linger_bytes)
  end

  defp linger(socket, deadline, bytes) when bytes > 0 do
    case :gen_tcp.recv(socket, 0, max(deadline - now(), 0)) do
      {:ok, read} -> linger(socket, deadline, bytes - byte_size(read))
      {:error, _closed_or_timeout} -> :ok
    end
  end

  defp linger(_socket, _deadline, _bytes), do: :ok

  # Health checks come every few seconds and would bury the rest.
  defp log(request, response, elapsed) do
    level = if request.path == ["health"], do: :debug, else: :info
    Logger.log(level, "#{request.method} #{request.target} #{response.status} #{elapsed} ms")
  end

  defp now, do: System.monotonic_time(:millisecond)
end
