defmodule Shop.Database.DriverLogTest do
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog

  # Crashes as the driver does when its socket closes.
  defmodule Crash do
    use GenServer

    def init({initial_call, password}),
      do: {:ok, Process.put(:"$initial_call", initial_call) && password}

    def init_as(module, password), do: GenServer.start(__MODULE__, {{module, :init, 1}, password})
    def handle_info(:crash, password), do: {:stop, :closed, password}
  end

  defp log_of_crash(module) do
    capture_log(fn ->
      {:ok, pid} = Crash.init_as(module, "secret")
      ref = Process.monitor(pid)
      send(pid, :crash)
      assert_receive {:DOWN, ^ref, :process, _, :closed}
    end)
  end

  test "the driver's state, with the password, is kept out of the log" do
    level = Logger.level()
    on_exit(fn -> Logger.configure(level: level) end)
    Logger.configure(level: :debug)

    assert log_of_crash(:pgsql_proto) == ""
    assert log_of_crash(:pgsql_socket) == ""
    assert log_of_crash(:another) =~ "secret"
  end
end
