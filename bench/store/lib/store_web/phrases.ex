defmodule StoreWeb.Phrases do
  use Phrases, directory: "priv/phrases"
end
