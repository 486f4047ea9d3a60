defmodule Market.Release do
  def migrate do
    args = :init.get_plain_arguments()
    IO.inspect(args)
  end
end
