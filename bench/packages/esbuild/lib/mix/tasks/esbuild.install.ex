defmodule Mix.Tasks.Esbuild.Install do
  @shortdoc "Installs esbuild in _build, from where the machine has it"
  use Mix.Task

  @impl true
  def run(arguments) do
    unless "--if-missing" in arguments and File.exists?(Esbuild.path()) do
      File.mkdir_p!(Path.dirname(Esbuild.path()))
      File.cp!(System.find_executable("esbuild"), Esbuild.path())
    end
  end
end
