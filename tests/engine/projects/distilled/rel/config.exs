use Distillery.Releases.Config,
  default_release: :default,
  default_environment: Mix.env()

environment :prod do
  set include_erts: true
  set vm_args: "rel/vm.args"
  set pre_configure_hooks: "rel/hooks/pre_configure"
end

release :distilled do
  set version: current_version(:distilled)
  set applications: [:runtime_tools]
  set commands: [migrate: "rel/commands/migrate.sh"]
end
