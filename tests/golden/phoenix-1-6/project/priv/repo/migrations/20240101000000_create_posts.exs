defmodule Blog.Repo.Migrations.CreatePosts do
  use Ecto.Migration

  def change, do: create(table(:posts))
end
