defmodule Served do
  @moduledoc """
  An HTTP server that finishes open requests when it stops. The environment makes it ill, for tests of deployments:
  CRASH ends the boot, DEAF answers 500 to /health, LATE is healthy only after so many seconds.
  """
  use Application

  @impl true
  def start(_type, _args) do
    if System.get_env("CRASH"), do: raise("it crashes, as CRASH is set")
    port = "PORT" |> System.get_env("4000") |> String.to_integer()
    {:ok, listener} = :gen_tcp.listen(port, [:binary, :inet6, packet: :http_bin, active: false, reuseaddr: true, backlog: 1024])

    children = [
      # Shut down in the reverse order: the acceptor first, then those that answer, which have their time.
      {Task.Supervisor, name: Served.Answers, strategy: :one_for_one},
      {Task, fn -> accept(listener) end}
    ]

    Supervisor.start_link(children, strategy: :one_for_all)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, task} = Task.Supervisor.start_child(Served.Answers, fn -> answer(socket) end, shutdown: 20_000)
    :gen_tcp.controlling_process(socket, task)
    accept(listener)
  end

  defp answer(socket) do
    Process.flag(:trap_exit, true)

    with {:ok, {:http_request, _method, {:abs_path, path}, _version}} <- :gen_tcp.recv(socket, 0, 5_000),
         :ok <- skip_headers(socket) do
      {status, body} = respond(path)
      head = "HTTP/1.1 #{status}\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n"
      :gen_tcp.send(socket, [head, body])
    end

    :gen_tcp.close(socket)
  end

  defp skip_headers(socket) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, :http_eoh} -> :ok
      {:ok, _header} -> skip_headers(socket)
      error -> error
    end
  end

  defp respond("/health") do
    seconds = "LATE" |> System.get_env("0") |> String.to_integer()
    {uptime, _} = :erlang.statistics(:wall_clock)
    if System.get_env("DEAF") || uptime < seconds * 1000, do: {"500 Ill", "ill"}, else: {"200 OK", "well"}
  end

  defp respond("/slow") do
    Process.sleep(5_000)
    {"200 OK", "slow"}
  end

  defp respond("/secret"), do: {"200 OK", Application.fetch_env!(:served, :secret)}
  defp respond(_path), do: {"200 OK", System.get_env("SERVED_VERSION", "1.0.0")}
end
