defmodule Shop do
  @moduledoc """
  A small shop: its products live in PostgreSQL and are served as JSON over HTTP.

    * `Shop.Products` - what is for sale
    * `Shop.Router` - which request gets which answer
    * `Shop.Database` - the connection pool
    * `Shop.HTTP` - the HTTP server
    * `Shop.Release` - the tasks a release runs through `bin/shop eval`
  """
end
