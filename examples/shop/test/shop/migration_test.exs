defmodule Shop.MigrationTest do
  use ExUnit.Case, async: true

  alias Shop.Migration

  @one %Migration{version: 20_240_101_000_000, name: "one", up: "up 1", down: "down 1"}
  @two %Migration{version: 20_240_102_000_000, name: "two", up: "up 2", down: "down 2"}
  @three %Migration{version: 20_240_103_000_000, name: "three", up: "up 3", down: "down 3"}
  @all [@one, @two, @three]
  @versions Enum.map(@all, & &1.version)

  describe "read!/1" do
    @describetag :tmp_dir

    defp write(directory, files) do
      for {name, content} <- files, do: File.write!(Path.join(directory, name), content)
    end

    test "reads pairs of files, oldest first", %{tmp_dir: directory} do
      write(directory, %{
        "20240102000000_two.down.sql" => "down 2",
        "20240102000000_two.up.sql" => "up 2",
        "20240101000000_one.up.sql" => "up 1",
        "20240101000000_one.down.sql" => "down 1"
      })

      assert Migration.read!(directory) == [@one, @two]
    end

    for {problem, files} <- [
          {"notes.txt is no migration: it should be named VERSION_NAME.up.sql or VERSION_NAME.down.sql",
           ["notes.txt"]},
          {"20240101000000_one.down.sql is missing", ["20240101000000_one.up.sql"]},
          {"20240101000000_one.up.sql is missing", ["20240101000000_one.down.sql"]},
          {"several migrations have the version 20240101000000",
           ["20240101000000_one.up.sql", "20240101000000_two.down.sql"]}
        ] do
      test "refuses: #{problem}", %{tmp_dir: directory} do
        write(directory, Map.new(unquote(files), &{&1, ""}))
        assert_raise ArgumentError, unquote(problem), fn -> Migration.read!(directory) end
      end
    end
  end

  test "the shop's own migrations are in order" do
    directory = Application.app_dir(:shop, "priv/migrations")

    assert Enum.map(Migration.read!(directory), &Migration.label/1) == [
             "20240101120000_create_products",
             "20240108090000_seed_products",
             "20240115150000_add_stock_to_products"
           ]
  end

  test "pending are those that are not applied, whatever their age" do
    assert Migration.pending(@all, []) == @all
    assert Migration.pending(@all, [@two.version]) == [@one, @three]
    assert Migration.pending(@all, @versions) == []
  end

  test "to roll back are the given version and all later ones, newest first" do
    assert Migration.to_roll_back(@all, @versions, @two.version) == {:ok, [@three, @two]}
    assert Migration.to_roll_back(@all, @versions, @one.version) == {:ok, [@three, @two, @one]}
    assert Migration.to_roll_back(@all, [@one.version], @two.version) == {:ok, []}
    assert Migration.to_roll_back(@all, [@three.version], @one.version) == {:ok, [@three]}
  end

  test "what this release does not know can't be rolled back" do
    assert Migration.to_roll_back(@all, @versions, 7) ==
             {:error, "there is no migration 7 in this release"}

    assert Migration.to_roll_back([@one, @two], @versions, @one.version) ==
             {:error, "there is no migration 20240103000000 in this release"}
  end
end
