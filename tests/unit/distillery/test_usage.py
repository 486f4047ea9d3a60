"""Where a project's other files speak Distillery's language."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Told = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("file", "line", "messages"),
    [
        ("Dockerfile", "RUN mix release --no-tar --env=prod", [":9: mix release --no-tar --env is Distillery's"]),
        ("Dockerfile", "RUN mix do compile, distillery.release", [":21: mix distillery.release is Distillery's"]),
        ("Makefile", "\tmix release.init && mix release", [":6: mix release.init writes templates for Mix's own"]),
        ("Dockerfile", "ENV A=b REPLACE_OS_VARS=true", [":9: REPLACE_OS_VARS has no meaning any more"]),
        ("Dockerfile", 'CMD ["/app/bin/shop", "foreground"]', [":24: bin/shop foreground is Distillery's"]),
        ("Procfile", "web: bin/$APP start", [":15: bin/$APP start is Distillery's"]),
        ("deploy.sh", "bin/shop greet && bin/shop rpc x", [":10: bin/shop greet is Distillery's"]),
        ("docker-compose.prod.yml", "command: bin/shop console", [":19: bin/shop console is Distillery's"]),
        ("Dockerfile", 'CMD ["foreground"]', [":7: foreground is Distillery's"]),
        ("Dockerfile", "CMD foreground", [":5: foreground is Distillery's"]),
        ("compose.yml", "    command: console", [":14: console is Distillery's"]),
        (
            "Dockerfile",
            "COPY --from=b /app/_build/prod/rel/shop/releases/1.2.0/shop.tar.gz .",
            [":41: mix release makes no archive unasked"],
        ),
        ("Dockerfile", "ADD releases/${V}/*.tar.gz /app", [":5: mix release makes no archive unasked"]),
        ("Dockerfile", "COPY other.tar.gz releases/ .", []),
        ("Dockerfile", "# bin/shop foreground", []),
        ("Dockerfile", "RUN bin/other foreground; bin/shop start-up; mix release", []),
        ("notes.txt", "bin/shop foreground", []),
    ],
)
def test_each_word_has_its_place(told: Told, file: str, line: str, messages: list[str]) -> None:
    found = told('set commands: [greet: "rel/greet"]', files={file: f"{line}\n"})
    assert [each for each in found if each.startswith(file)] == [f"{file}:1{message}" for message in messages]


def test_a_project_that_distillery_makes_no_release_of(told: Told) -> None:
    """What is left of it in rel/ and in mix.lock doesn't say what the words mean."""
    mix = 'defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: "1.0.0"]\nend\n'
    lock = '%{\n  "distillery": {:hex, :distillery, "2.1.1", "f9332afc", [:mix], [], "hexpm"},\n}\n'
    files = {"mix.exs": mix, "mix.lock": lock, "Dockerfile": 'CMD ["/app/bin/shop", "start"]\n'}
    assert [each for each in told(files=files) if each.startswith("Dockerfile")] == []


LIB = """defmodule Shop do
  @env Mix.env()

  def run do
    args = :init.get_plain_arguments()
    {Mix.env(), Mix.Project.config(), args, Shop.Mix.env(), mix()}
  end
end
"""


def test_calls_that_a_release_does_not_have(told: Told) -> None:
    task = LIB.replace("defmodule Shop", "defmodule Mix.Tasks.Shop")
    assert told(files={"lib/shop.ex": LIB, "lib/mix/tasks/shop.ex": task, "lib/broken.ex": "def Mix.env(\n"}) == [
        "lib/shop.ex:5:12: :init.get_plain_arguments() also returns the arguments of eval itself",
        "lib/shop.ex:6:6: Shop.run/0 calls Mix.env, which raises UndefinedFunctionError in a release: it doesn't have "
        "Mix",
    ]


def test_aliases_of_mix_exs(told: Told) -> None:
    mix = (
        'defmodule Shop.MixProject do\n  use Mix.Project\n  def project do\n    [app: :shop, version: "1.0.0",\n'
        '     aliases: [ship: ["compile", "distillery.release --env=prod"], b: "release --overwrite"]]\n  end\nend\n'
    )
    assert told(files={"mix.exs": mix}) == ["mix.exs:5:16: alias ship: mix distillery.release --env is Distillery's"]


def test_a_project_that_uses_mix_release_already_speaks_its_language(told: Told) -> None:
    mix = (
        "defmodule Shop.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop, version: "1.0.0", releases: [shop: []]]\nend\n'
    )
    assert told(files={"mix.exs": mix, "Dockerfile": "CMD bin/shop start\n"}) == []
