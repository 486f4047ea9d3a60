defmodule Shop.Database.URL do
  @moduledoc "Database URLs: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, percent-encoded."

  @default_port 5432

  @doc """
  Returns `:host`, `:port`, `:user`, `:password` and `:database`, as the driver wants them.

  Raises `ArgumentError` for anything that is no such URL; its message never repeats the URL, which holds
  the password.
  """
  @spec parse!(String.t()) :: keyword()
  def parse!(url) do
    uri = new!(url)

    uri.scheme in ["postgres", "postgresql"] || invalid!("should start with postgres://")
    uri.query in [nil, "", "sslmode=disable"] || invalid!("has options, which are not supported")
    {user, password} = credentials!(uri.userinfo)

    [
      host: present!(uri.host, "host"),
      port: uri.port || @default_port,
      user: user,
      password: password,
      database:
        uri.path |> to_string() |> String.trim_leading("/") |> decode!() |> present!("database")
    ]
  end

  # The exception of URI.new/1 would carry a part of the URL.
  defp new!(url) do
    case URI.new(url) do
      {:ok, uri} ->
        uri

      {:error, _part} ->
        invalid!("is no URL; special characters in a password are written as %XX")
    end
  end

  defp credentials!(userinfo) do
    case String.split(to_string(userinfo), ":", parts: 2) do
      [user] -> {user |> decode!() |> present!("user"), ""}
      [user, password] -> {user |> decode!() |> present!("user"), decode!(password)}
    end
  end

  # URI.decode/1 would leave a lone % as it is.
  defp decode!(text) do
    text =~ ~r/%(?![0-9a-fA-F]{2})/ &&
      invalid!("has a % that is not followed by two hexadecimal digits")

    URI.decode(text)
  end

  defp present!(value, name) when value in [nil, ""], do: invalid!("has no #{name}")
  defp present!(value, _name), do: value

  @spec invalid!(String.t()) :: no_return()
  defp invalid!(problem), do: raise(ArgumentError, "the database URL #{problem}")
end
