defmodule Served.Release do
  @moduledoc "What stands for migrations: they say where they ran, fail with FAIL_MIGRATION, hang with HANG_MIGRATION."

  def migrate do
    if System.get_env("FAIL_MIGRATION"), do: raise("the migration fails, as FAIL_MIGRATION is set")
    if System.get_env("HANG_MIGRATION"), do: Process.sleep(:infinity)
    IO.puts("migrated with #{byte_size(System.fetch_env!("SERVED_SECRET"))} bytes of a secret")
  end
end
