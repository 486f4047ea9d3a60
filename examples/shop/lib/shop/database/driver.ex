defmodule Shop.Database.Driver do
  @moduledoc """
  One connection to PostgreSQL, through `p1_pgsql`.

  A connection is a process linked to the one that opened it, which should trap exits to outlive it. A call
  on a connection that is lost or takes longer than 5 s exits; such a connection must be closed, as its
  state is unknown.
  """

  alias Shop.Database.Error

  @connect_timeout 5_000

  @type conn :: pid()
  @type param :: String.t() | integer()
  @type value :: String.t() | integer() | boolean() | nil

  @doc "Opens a connection and runs the `session` script on it."
  @spec open(keyword(), String.t()) :: {:ok, conn()} | {:error, Error.t()}
  def open(options, session \\ "") do
    # start_link, which pgsql:connect/1 lacks: no connection may outlive its owner.
    case :pgsql_proto.start_link([as_binary: true, connect_timeout: @connect_timeout] ++ options) do
      {:ok, conn} -> prepare_session(conn, session)
      {:error, reason} -> {:error, open_error(reason)}
    end
  end

  @doc """
  Runs one statement with its parameters `$1`, `$2`, … and returns its rows.

  Prepared and executed in two steps: the driver's one-step query never returns from a statement that
  fails or gives no rows.
  """
  @spec query(conn(), String.t(), [param()]) :: {:ok, [[value()]]} | {:error, Error.t()}
  def query(conn, statement, params \\ []) do
    with {:ok, _status, _param_types, _columns} <- :pgsql.prepare(conn, "", statement),
         {:ok, {_command, rows}} <- :pgsql.execute(conn, "", params) do
      {:ok, decode(rows)}
    else
      {:error, fields} -> {:error, Error.from_fields(:statement, fields)}
    end
  end

  @doc """
  Runs any number of statements, without parameters and without a time limit.

  When one fails, the rest is left out and an open transaction is rolled back.
  """
  @spec script(conn(), String.t()) :: :ok | {:error, Error.t()}
  def script(conn, statements) do
    {:ok, results} = :pgsql.squery(conn, statements)

    case List.keyfind(results, :error, 0) do
      nil -> :ok
      {:error, fields} -> {:error, Error.from_fields(:statement, fields)}
    end
  end

  @doc "Closes the connection, whatever it is doing."
  @spec close(conn()) :: :ok
  def close(conn) do
    # pgsql:terminate/1 would wait for the statement that runs, and leave the socket's process behind.
    Process.unlink(conn)
    Process.exit(conn, :shutdown)
    :ok
  end

  defp prepare_session(conn, session) do
    case script(conn, session) do
      :ok ->
        {:ok, conn}

      {:error, error} ->
        close(conn)
        {:error, %{error | kind: :connect}}
    end
  catch
    :exit, _reason -> {:error, connect_error("the connection was lost")}
  end

  defp decode(rows) when is_list(rows), do: Enum.map(rows, fn row -> Enum.map(row, &value/1) end)
  defp decode(_count), do: []

  defp value({_type, :null}), do: nil
  defp value({:bool, bit}), do: bit == "1"
  defp value({type, digits}) when type in [:int2, :int4, :int8], do: String.to_integer(digits)
  defp value({_type, text}), do: text

  # Reasons this does not know are not shown: a crashed driver's may hold the password.
  defp open_error({:init, {:error, reason}}), do: connect_error(:inet.format_error(reason))

  defp open_error({{:badmatch, {:error, :timeout}}, _stack}),
    do: connect_error("no answer in time")

  defp open_error({{:badmatch, {:error, reason}}, _stack}),
    do: connect_error(:inet.format_error(reason))

  defp open_error({_stage, [{_, _} | _] = fields}) do
    error = Error.from_fields(:connect, fields)
    %{error | message: connect_error(error.message).message}
  end

  defp open_error(_reason), do: connect_error("PostgreSQL's answer is not understood")

  defp connect_error(reason) do
    %Error{kind: :connect, message: "cannot connect to the database: #{reason}"}
  end
end
