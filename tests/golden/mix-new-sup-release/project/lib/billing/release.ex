defmodule Billing.Release do
  def migrate do
    :ok
  end
end
