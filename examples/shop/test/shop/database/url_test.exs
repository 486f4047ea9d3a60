defmodule Shop.Database.URLTest do
  use ExUnit.Case, async: true

  alias Shop.Database.URL

  test "takes a URL apart" do
    assert URL.parse!("postgres://ann:secret@db.example.com:6432/shop") == [
             host: "db.example.com",
             port: 6432,
             user: "ann",
             password: "secret",
             database: "shop"
           ]
  end

  test "decodes user, password and database" do
    assert URL.parse!("postgresql://a%40b:p%2Fw%3A%C3%A9+%25@db/my%20shop") == [
             host: "db",
             port: 5432,
             user: "a@b",
             password: "p/w:é+%",
             database: "my shop"
           ]
  end

  test "takes IPv6 addresses, an empty password and a colon in the password" do
    assert [host: "::1", port: 5432, user: "u", password: "", database: "d"] =
             URL.parse!("postgres://u@[::1]/d?sslmode=disable")

    assert URL.parse!("postgres://u:a:b@h/d")[:password] == "a:b"
  end

  for {url, problem} <- [
        {"mysql://u:secret@h/d", "should start with postgres://"},
        {"", "should start with postgres://"},
        {"postgres://h/d", "has no user"},
        {"postgres://:secret@h/d", "has no user"},
        {"postgres://u:secret@/d", "has no host"},
        {"postgres://u:secret@h", "has no database"},
        {"postgres://u:secret@h/", "has no database"},
        {"postgres://u:secret%zz@h/d", "has a % that is not followed by two hexadecimal digits"},
        {"postgres://u:secret^@h/d",
         "is no URL; special characters in a password are written as %XX"},
        {"postgres://u:secret@h/d?sslmode=require", "has options, which are not supported"}
      ] do
    test "refuses #{inspect(url)} without repeating the password" do
      error = assert_raise ArgumentError, fn -> URL.parse!(unquote(url)) end
      assert error.message == "the database URL #{unquote(problem)}"
    end
  end
end
