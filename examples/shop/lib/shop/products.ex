defmodule Shop.Product do
  @moduledoc "Something that is for sale; the price is in cents."

  @derive {JSON.Encoder, only: [:id, :sku, :name, :price_cents, :stock]}
  @enforce_keys [:id, :sku, :name, :price_cents, :stock]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          id: pos_integer(),
          sku: String.t(),
          name: String.t(),
          price_cents: non_neg_integer(),
          stock: non_neg_integer()
        }
end

defmodule Shop.Products do
  @moduledoc "What is for sale, read from the database."

  alias Shop.{Database, Product}

  @columns "id, sku, name, price_cents, stock"
  @max_id 9_223_372_036_854_775_807

  @doc "Returns all products, oldest first."
  @spec list() :: {:ok, [Product.t()]} | {:error, Database.Error.t()}
  def list do
    with {:ok, rows} <- Database.query("SELECT #{@columns} FROM products ORDER BY id") do
      {:ok, Enum.map(rows, &product/1)}
    end
  end

  @doc "Returns the product with this id, or `:not_found`."
  @spec get(integer()) :: {:ok, Product.t()} | :not_found | {:error, Database.Error.t()}
  def get(id) when id in 1..@max_id do
    case Database.query("SELECT #{@columns} FROM products WHERE id = $1", [id]) do
      {:ok, [row]} -> {:ok, product(row)}
      {:ok, []} -> :not_found
      {:error, error} -> {:error, error}
    end
  end

  def get(_id), do: :not_found

  defp product([id, sku, name, price_cents, stock]) do
    %Product{id: id, sku: sku, name: name, price_cents: price_cents, stock: stock}
  end
end
