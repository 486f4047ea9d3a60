use Mix.Releases.Config,
  default_release: :web,
  default_environment: :prod

environment :prod do
  set(include_erts: true)
  set(cookie: "")
  set(pre_configure_hook: "rel/hooks/pre_configure")
  set(post_stop_hook: "rel/hooks/post_stop")
end

release :core do
  set(version: "1.0.0")
  set(applications: [:runtime_tools, market: :permanent])
  set(commands: [migrate: "rel/commands/migrate", seed: "rel/commands/seed"])
end

release :web do
  set(version: current_version(:market_web))
  set(applications: [:market, :market_web])
end
