defmodule Phoenix.Endpoint do
  @moduledoc "What of Phoenix decides whether an endpoint serves: its option `server`, else `:serve_endpoints`."

  defmacro __using__(otp_app: app) do
    quote do
      def child_spec(_), do: %{id: __MODULE__, start: {Phoenix.Endpoint, :start_link, [unquote(app), __MODULE__]}}
    end
  end

  def start_link(app, module) do
    options = Application.get_env(app, module, [])
    serves = Keyword.get_lazy(options, :server, fn -> Application.get_env(:phoenix, :serve_endpoints, false) end)
    IO.puts("#{inspect(module)} #{if serves, do: "serves", else: "doesn't serve"}")
    if serves, do: Task.start_link(fn -> serve(options[:port]) end), else: :ignore
  end

  defp serve(port) do
    {:ok, listening} = :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true])
    accept(listening)
  end

  defp accept(listening) do
    {:ok, socket} = :gen_tcp.accept(listening)
    :gen_tcp.send(socket, "HTTP/1.0 200 OK\r\n\r\n")
    :gen_tcp.close(socket)
    accept(listening)
  end
end
