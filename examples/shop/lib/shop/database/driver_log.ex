defmodule Shop.Database.DriverLog do
  @moduledoc """
  Keeps the driver's own crash reports out of the log.

  When a connection ends, each of its processes reports that it crashed, at the debug level with its whole
  state, which the password is a part of. What there is to know is logged by `Shop.Database.Pool`.
  """

  @driver [:pgsql_proto, :pgsql_socket]

  @doc "Installs the filter, once."
  @spec install() :: :ok
  def install do
    case :logger.add_primary_filter(__MODULE__, {&filter/2, []}) do
      :ok -> :ok
      {:error, {:already_exist, __MODULE__}} -> :ok
    end
  end

  @doc false
  # Primary filters run in the process that logs.
  def filter(_event, _extra) do
    case Process.get(:"$initial_call") do
      {module, :init, 1} when module in @driver -> :stop
      _other -> :ignore
    end
  end
end
