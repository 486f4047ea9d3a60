defmodule Probe do
  @moduledoc "A release that uses what an image may lack: a NIF with a library of its own, TLS, os_mon, ports."

  use Application

  def start(_type, _args) do
    root = :code.priv_dir(:probe)

    {:ok, _server} =
      :inets.start(:httpd, port: 4000, server_name: ~c"probe", server_root: root, document_root: root, modules: [:mod_get])

    Supervisor.start_link([], strategy: :one_for_one)
  end

  @doc "Returns the status that an HTTPS server answers with; its certificate must be good by the system's store."
  def https(url) do
    options = [ssl: [verify: :verify_peer, cacerts: :public_key.cacerts_get()]]

    case :httpc.request(:get, {String.to_charlist(url), []}, options, []) do
      {:ok, {{_http, status, _reason}, _headers, _body}} -> status
      {:error, {:failed_connect, [_address, {:inet, _options, {:tls_alert, {alert, _text}}}]}} -> alert
    end
  end

  @doc "Returns what a program prints."
  def program(name, arguments, env \\ []) do
    {output, 0} = System.cmd(name, arguments, env: env)
    String.trim(output)
  end
end
