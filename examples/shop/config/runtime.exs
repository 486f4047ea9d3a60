# Read when the application starts, in a release too, and before each `bin/shop eval`.
import Config

case config_env() do
  :prod ->
    config :shop, Shop.Database,
      url: System.fetch_env!("DATABASE_URL"),
      pool_size: String.to_integer(System.get_env("POOL_SIZE", "10"))

    config :shop, Shop.HTTP, port: String.to_integer(System.get_env("PORT", "4000"))

  env ->
    default = "postgres://postgres:postgres@localhost:5432/shop_#{env}"

    config :shop, Shop.Database, url: System.get_env("DATABASE_URL", default), pool_size: 2
    config :shop, Shop.HTTP, port: String.to_integer(System.get_env("PORT", "4000"))
end
