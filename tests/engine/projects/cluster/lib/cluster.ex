defmodule Cluster.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([Cluster.Peers], strategy: :one_for_one)
  end
end

defmodule Cluster.Peers do
  @moduledoc "Connects to the node of every address that CLUSTER_QUERY resolves to, as dns_cluster does."
  use GenServer

  @interval 500

  def start_link(_options), do: GenServer.start_link(__MODULE__, System.fetch_env!("CLUSTER_QUERY"))

  @impl true
  def init(query), do: {:ok, to_charlist(query), {:continue, :connect}}

  @impl true
  def handle_continue(:connect, query), do: connect(query)

  @impl true
  def handle_info(:connect, query), do: connect(query)

  defp connect(query) do
    [name, _address] = String.split("#{node()}", "@")

    with {:ok, addresses} <- :inet.getaddrs(query, :inet) do
      for address <- addresses, do: Node.connect(:"#{name}@#{:inet.ntoa(address)}")
    end

    Process.send_after(self(), :connect, @interval)
    {:noreply, query}
  end
end
