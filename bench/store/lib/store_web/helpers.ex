defmodule StoreWeb.Helpers do
  @moduledoc "Imported into every page."

  def t(key), do: StoreWeb.Phrases.phrase(key)

  def price(cents), do: "#{div(cents, 100)}.#{String.pad_leading("#{rem(cents, 100)}", 2, "0")}"

  def total(prices), do: Sums.sum(prices)
end
