defmodule GalleryWeb.Endpoint do
  @moduledoc "An endpoint as Phoenix generates it."

  use Phoenix.Endpoint, otp_app: :gallery
end
