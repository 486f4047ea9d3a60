defmodule Shop.Database.Error do
  @moduledoc """
  What went wrong between the shop and its database.

  The `:kind` says whether it is worth trying again:

    * `:statement` - PostgreSQL refused the statement, `:code` is its SQLSTATE
    * `:connect` - no connection could be opened
    * `:lost` - the connection went away, or the answer took too long
    * `:busy` - all connections are in use and the queue is full
    * `:timeout` - no connection became free in time
  """

  defexception [:kind, :message, :code]

  @type kind :: :statement | :connect | :lost | :busy | :timeout
  @type t :: %__MODULE__{kind: kind(), message: String.t(), code: String.t() | nil}

  @doc "Returns the error for the fields of PostgreSQL's ErrorResponse."
  @spec from_fields(kind(), keyword()) :: t()
  def from_fields(kind, fields) do
    extra = for name <- [:detail, :hint], text = fields[name], do: ". #{text}"
    message = "#{fields[:severity]} #{fields[:code]}: #{fields[:message]}#{extra}"
    %__MODULE__{kind: kind, message: message, code: fields[:code]}
  end
end
