import Config

# What a deployment has to give it as a secret.
config :served, secret: System.fetch_env!("SERVED_SECRET")
