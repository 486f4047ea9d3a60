exclude =
  if System.get_env("DATABASE_URL") do
    []
  else
    IO.puts("DATABASE_URL is not set: the tests that need a PostgreSQL are left out.")
    [:database]
  end

ExUnit.start(exclude: exclude, capture_log: true)
