defmodule Shop.Router do
  @moduledoc """
  Which request gets which answer.

    * `GET /health` - 200 while the database answers, else 503 and the reason
    * `GET /products` - all products
    * `GET /products/ID` - one product
  """

  require Logger

  alias Shop.{Database, Products}
  alias Shop.HTTP.{Request, Response}

  @doc "Answers one request; `HEAD` is asked as `GET`, the server leaves the body out."
  @spec call(Request.t()) :: Response.t()
  def call(%Request{method: method, path: path}) do
    case {route(path), method} do
      {nil, _method} -> Response.error(404)
      {route, "GET"} -> get(route)
      {_route, _method} -> Response.error(405, [{"allow", "GET, HEAD"}])
    end
  end

  defp route(["health"]), do: :health
  defp route(["products"]), do: :products
  defp route(["products", id]), do: {:product, id}
  defp route(_path), do: nil

  defp get(:health) do
    case Database.query("SELECT 1") do
      {:ok, [[1]]} ->
        Response.json(200, %{status: "ok"})

      {:error, error} ->
        Response.json(503, %{status: "unavailable", reason: Exception.message(error)})
    end
  end

  defp get(:products) do
    case Products.list() do
      {:ok, products} -> Response.json(200, products)
      {:error, error} -> failed(error)
    end
  end

  defp get({:product, id}) do
    with {id, ""} <- Integer.parse(id),
         {:ok, product} <- Products.get(id) do
      Response.json(200, product)
    else
      {:error, error} -> failed(error)
      _not_found -> Response.error(404)
    end
  end

  # Statements that PostgreSQL refuses are a fault of ours; all else passes, and the client may come again.
  defp failed(%Database.Error{kind: :statement} = error) do
    Logger.error(Exception.message(error))
    Response.error(500)
  end

  defp failed(error) do
    Logger.warning(Exception.message(error))
    Response.error(503, [{"retry-after", "1"}])
  end
end
