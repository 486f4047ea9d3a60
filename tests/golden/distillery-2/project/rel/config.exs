~w(rel plugins *.exs)
|> Path.join()
|> Path.wildcard()
|> Enum.map(&Code.eval_file(&1))

use Distillery.Releases.Config,
  default_release: :default,
  default_environment: Mix.env()

environment :dev do
  set dev_mode: true
  set include_erts: false
  set cookie: :"a-cookie-of-development"
end

environment :staging do
  set include_erts: true
end

environment :prod do
  set include_erts: true
  set include_src: false
  set cookie: :"a-cookie-that-nobody-is-to-see"
  set vm_args: "rel/vm.args"
  set pre_configure_hooks: "rel/hooks/pre_configure"
  set pre_start_hooks: "rel/hooks/pre_start"
end

release :orders do
  set version: current_version(:orders)
  set strip_debug_info: false

  set applications: [
    :runtime_tools,
    :jason,
    os_mon: :load
  ]

  set commands: [
    migrate: "rel/commands/migrate.sh",
    drain: "rel/commands/drain.sh"
  ]

  set config_providers: [
    {Distillery.Releases.Config.Providers.Elixir, ["${RELEASE_ROOT_DIR}/etc/config.exs"]}
  ]

  set overlays: [
    {:copy, "rel/config/config.exs", "etc/config.exs"},
    {:copy, "rel/files/motd", "etc/motd"},
    {:template, "rel/files/orders.service.eex", "etc/orders.service"}
  ]

  plugin Orders.Plugin
end
