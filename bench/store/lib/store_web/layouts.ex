defmodule StoreWeb.Layouts do
  use StoreWeb, :layout

  embed_templates "layouts/*"
end
