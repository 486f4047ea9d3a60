defmodule Store.Repo.Migrations.CreateItems do
  def change, do: :ok
end
