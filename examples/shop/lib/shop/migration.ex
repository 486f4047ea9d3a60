defmodule Shop.Migration do
  @moduledoc """
  One step of the database's schema: SQL to take it, and SQL to take it back.

  A migration is a pair of files, `VERSION_NAME.up.sql` and `VERSION_NAME.down.sql`; the version is the
  time it was written at, `YYYYMMDDHHMMSS`. Each file runs in a transaction, so it has no `BEGIN` or
  `COMMIT` of its own.
  """

  @enforce_keys [:version, :name, :up, :down]
  defstruct @enforce_keys

  @type version :: non_neg_integer()
  @type t :: %__MODULE__{version: version(), name: String.t(), up: String.t(), down: String.t()}

  # Without names: before OTP 28 a compiled expression keeps random bytes beside the names of its groups, so that no two
  # builds would be alike.
  @file_name ~r/\A(\d{14})_([a-z0-9_]+)\.(up|down)\.sql\z/

  @doc """
  Reads all migrations of a directory, oldest first.

  Raises `ArgumentError` for a file whose name is none of a migration's, for two migrations with one
  version, and for one that can't be taken or taken back.
  """
  @spec read!(Path.t()) :: [t()]
  def read!(directory) do
    directory
    |> File.ls!()
    |> Enum.sort()
    |> Enum.map(&{file!(&1), File.read!(Path.join(directory, &1))})
    |> Enum.group_by(fn {{version, _, _}, _} -> version end)
    |> Enum.sort()
    |> Enum.map(&migration!/1)
  end

  @doc "Returns the migrations that are not among the applied versions."
  @spec pending([t()], [version()]) :: [t()]
  def pending(migrations, applied) do
    Enum.reject(migrations, &(&1.version in applied))
  end

  @doc """
  Returns what to take back to undo the given version and all later ones, newest first.

  It is an error when there is no migration of that version, or none for a version to be undone.
  """
  @spec to_roll_back([t()], [version()], version()) :: {:ok, [t()]} | {:error, String.t()}
  def to_roll_back(migrations, applied, version) do
    known = Map.new(migrations, &{&1.version, &1})
    undone = applied |> Enum.filter(&(&1 >= version)) |> Enum.sort(:desc)

    case Enum.reject([version | undone], &is_map_key(known, &1)) do
      [] -> {:ok, Enum.map(undone, &Map.fetch!(known, &1))}
      [unknown | _] -> {:error, "there is no migration #{unknown} in this release"}
    end
  end

  @doc "Returns the version and the name, as in the migration's file names."
  @spec label(t()) :: String.t()
  def label(%__MODULE__{version: version, name: name}), do: "#{version}_#{name}"

  defp file!(file_name) do
    case Regex.run(@file_name, file_name, capture: :all_but_first) do
      [version, name, direction] ->
        {String.to_integer(version), name, direction}

      nil ->
        raise ArgumentError,
              "#{file_name} is no migration: it should be named VERSION_NAME.up.sql or VERSION_NAME.down.sql"
    end
  end

  defp migration!({version, files}) do
    case files do
      [{{_, name, "down"}, down}, {{_, name, "up"}, up}] ->
        %__MODULE__{version: version, name: name, up: up, down: down}

      [{{_, name, direction}, _sql}] ->
        missing = if direction == "up", do: "down", else: "up"
        raise ArgumentError, "#{version}_#{name}.#{missing}.sql is missing"

      _several ->
        raise ArgumentError, "several migrations have the version #{version}"
    end
  end
end
