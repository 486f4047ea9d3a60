"""Which variables a line of Elixir depends on."""

from __future__ import annotations

import pytest

from relbuild.image.verify.failure import variables_at

MODULE = """\
defmodule Shop.Application do
  use Application

  @impl true
  def start(_type, _args) do
    raise "plain"

    unless System.get_env("LICENSE") do
      raise "no license"
    end

    region = System.get_env("REGION", "eu")
    {:ok, pool} = Integer.parse(System.fetch_env!("POOL"))

    children = [
      {Shop.Cache,
       size: pool},
      {Shop.Store, path: path()}
    ]

    case region do
      "eu" -> :ok
    end

    Supervisor.start_link(children, name: Shop.Supervisor)
    Shop.pool(:pool)
    token = :os.getenv(~c"TOKEN")
    send(token)
  end

  defp path do
    base = System.get_env("BASE")
    Path.join(base, "x")
  end
end
"""


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(MODULE.splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain", []),
        # The block around it, what it uses, and what that uses in turn.
        ("no license", ["LICENSE"]),
        ("unless", ["LICENSE"]),
        ("REGION", ["REGION"]),
        ("case region", ["REGION"]),
        ('"eu" ->', ["REGION"]),
        ("size: pool", ["BASE", "POOL"]),
        ("Supervisor.start_link", ["BASE", "POOL"]),
        ("Path.join", ["BASE"]),
        ("send(token)", ["TOKEN"]),
        # An atom or a function of another module is no name of this one.
        ("Shop.pool(:pool)", []),
    ],
)
def test_what_a_line_depends_on(text: str, names: list[str]) -> None:
    assert sorted(variables_at(MODULE, line_of(text))) == names


def test_names_that_another_function_reads() -> None:
    text = 'import Config\nkey = Vault.fetch!("KEY")\n\nconfig :shop,\n  key: key,\n  url: "URL"\n'
    assert variables_at(text, 4, ["KEY", "URL", "OTHER"]) == ["URL", "KEY"]
    assert variables_at(text, 4) == []


@pytest.mark.parametrize("text", ["", "\n\n", "end\n", "x = x\n", "a =\n  b\nb = a\n"])
def test_what_is_no_program_does_no_harm(text: str) -> None:
    assert variables_at(text, 1) == variables_at(text, 99) == []
