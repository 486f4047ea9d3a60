defmodule Orders.ReleaseTasks do
  def migrate(argv) do
    IO.inspect(argv)
  end
end
