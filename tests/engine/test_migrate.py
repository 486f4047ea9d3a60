"""relbuild migrate on a real engine with PostgreSQL: one at a time, cut off half-way, with what the app gets."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relbuild.mix import migrations, project

REPOSITORY = Path(__file__).parents[2]
SHOP = REPOSITORY / "examples" / "shop"
FIRST = "20240101120000"
MIGRATIONS = ["20240101120000", "20240108090000", "20240115150000"]

# conftest.py's Docker, Database and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def shop(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return the image of examples/shop, built by relbuild."""
    # A repository of this run's own: a target's containers are found by their image.
    reference = cleanup.image(f"relbuild-test-migrate-{run_id}:1.0")
    built = relbuild("image", "-C", str(SHOP), "-t", reference)
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture(scope="module")
def derived(docker: Docker, shop: str, cleanup: Any, run_id: str) -> Callable[..., str]:
    """Return a function that makes an image of the shop with more Dockerfile instructions."""

    def make(name: str, *instructions: str) -> str:
        reference = cleanup.image(f"relbuild-test-migrate-{name}:{run_id}")
        dockerfile = "\n".join([f"FROM {shop}", "USER root", *instructions, "USER 10001:10001", ""])
        docker("build", "--quiet", "--tag", reference, "-", stdin=dockerfile)
        return str(reference)

    return make


@pytest.fixture(scope="module")
def with_migration(derived: Callable[..., str]) -> Callable[..., str]:
    """Return a function that makes an image of the shop with one more migration."""

    def make(name: str, sql: str) -> str:
        path = f"/app/lib/shop-0.1.0/priv/migrations/20300101000000_{name}"
        lines = (f"RUN echo '{sql}' >{path}.up.sql && echo 'SELECT 1' >{path}.down.sql",)
        return derived(name, *lines)

    return make


@pytest.fixture(scope="module")
def slow(with_migration: Callable[..., str]) -> str:
    return with_migration("slow", "ALTER TABLE products ADD COLUMN half int; SELECT pg_sleep(120);")


@pytest.fixture
def app(docker: Docker, shop: str, database: Any, labels: tuple[str, ...]) -> Iterator[str]:
    """Give the name of a container of the shop, as it runs in production: a network, variables, a volume."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    docker(
        *("run", "--detach", "--name", name, *labels, "--network", database.network, "--read-only", "--tmpfs", "/tmp"),
        *("--env", f"DATABASE_URL={database.url}", "--env", "TWO_LINES=one\ntwo $HOME 'three'", "--volume", "/data"),
        shop,
    )
    yield name
    docker("container", "rm", "--force", "--volumes", name)
    subprocess.run(("docker", "container", "rm", "--force", f"relbuild-migrate-{name}"), capture_output=True)


class Files(dict[str, str]):
    """A project in memory."""

    def read(self, path: str) -> bytes | None:
        return self[path].encode() if path in self else None

    def list(self, directory: str) -> tuple[str, ...]:
        return tuple(path.partition("/")[2] for path in self if path.startswith(f"{directory}/"))


def versions(database: Any) -> list[str]:
    return list(database.psql("SELECT version FROM schema_migrations ORDER BY version").split())


def columns(database: Any) -> set[str]:
    return set(
        database.psql("SELECT column_name FROM information_schema.columns WHERE table_name = 'products'").split()
    )


def begun(*argv: str) -> subprocess.Popen[str]:
    call = (sys.executable, "-m", "relbuild", *argv)
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sleeping(database: Any) -> bool:
    """Tell whether a migration is in the middle of its work."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()"
    return database.psql(asked) != "0"


def wake(database: Any) -> None:
    database.psql(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
        " WHERE query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()"
    )


def exists(name: str) -> bool:
    return subprocess.run(("docker", "container", "inspect", name), capture_output=True).returncode == 0


def test_it_gets_what_the_app_gets_and_shows_none_of_it(
    docker: Docker, shop: str, app: str, database: Any, relbuild: Callable[..., Ran]
) -> None:
    on = ("--on", f"container:{app}")
    dry = relbuild("migrate", *on, "--dry-run")
    assert dry.stdout.splitlines()[0] == (
        f"docker create --name relbuild-migrate-{app} --no-healthcheck --label 'io.relbuild.migration=container {app}'"
        f" --label {dry.stdout.split('--label ')[2].split()[0]} --label io.relbuild.one-off="
        f" --network {database.network}"
        f" --volumes-from {docker('inspect', '--format', '{{.Id}}', app)} --read-only --tmpfs /tmp"
        f" --env DATABASE_URL --env TWO_LINES --entrypoint /app/bin/shop {shop} eval 'Shop.Release.migrate()'"
    )
    assert [line.split()[1] for line in dry.stdout.splitlines()] == ["create", "start", "rm"]
    assert versions_table(database) == ""

    migrated = relbuild("migrate", *on, "-v")
    assert migrated.exit_code == 0, migrated.stderr
    assert [line.split()[0] for line in migrated.stdout.splitlines()] == ["Migrated"] * 3
    assert versions(database) == MIGRATIONS
    again = relbuild("migrate", shop, *on, "--json")
    assert json.loads(again.stdout)["data"]["output"] == "Nothing to migrate\n"
    for each in (dry, migrated, again):
        assert database.url not in each.stdout + each.stderr
        assert database.password not in each.stdout + each.stderr
        assert "three" not in each.stdout + each.stderr
    assert not exists(f"relbuild-migrate-{app}")


def test_values_and_volumes_arrive_as_they_are(
    docker: Docker, derived: Callable[..., str], app: str, relbuild: Callable[..., Ran]
) -> None:
    look = derived(
        "look", "LABEL io.relbuild.migrate='IO.inspect({System.get_env(~s(TWO_LINES)), File.ls!(~s(/data))})'"
    )
    docker("exec", "--user", "root", app, "touch", "/data/here")
    ran = relbuild("migrate", look, "--on", f"container:{app}", "--env", "DATABASE_URL=postgres://u:p@h/d")
    assert (ran.exit_code, ran.stdout) == (0, """{"one\\ntwo $HOME 'three'", ["here"]}\n"""), ran.stderr
    # The app's volume without a name is still there.
    assert docker("exec", app, "ls", "/data") == "here"


def versions_table(database: Any) -> str:
    return str(database.psql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))


def test_pending_and_back(app: str, database: Any, relbuild: Callable[..., Ran]) -> None:
    on = ("--on", f"container:{app}")
    before = relbuild("migrate", *on, "--pending")
    assert [line.split()[0] for line in before.stdout.splitlines()] == ["pending"] * 3
    assert relbuild("migrate", *on).exit_code == 0
    back = relbuild("migrate", *on, "--rollback-to", MIGRATIONS[1])
    assert (back.exit_code, [line.split()[:2] for line in back.stdout.splitlines()]) == (0, [["Rolled", "back"]] * 2)
    assert versions(database) == MIGRATIONS[:1]
    after = relbuild("migrate", *on, "--pending").stdout.splitlines()
    assert [line.split()[0] for line in after] == ["applied", "pending", "pending"]
    nowhere = relbuild("migrate", *on, "--rollback-to", "20230101000000")
    assert (nowhere.exit_code, "RuntimeError" in nowhere.stderr) == (1, True)
    assert versions(database) == MIGRATIONS[:1]


def test_one_at_a_time(
    shop: str, slow: str, app: str, database: Any, relbuild: Callable[..., Ran], wait: Callable[..., None]
) -> None:
    on = ("--on", f"container:{app}")
    first = begun("migrate", slow, *on)
    wait(lambda: sleeping(database), "the first migration", lambda: "")
    second = relbuild("migrate", shop, *on)
    assert (second.exit_code, second.stdout) == (6, "")
    error, hint = second.stderr.splitlines()
    assert error.startswith("error: ")
    assert f" has been migrating container {app} with {slow} since 20" in error
    assert hint == f"  --wait waits for its end; its output: docker logs relbuild-migrate-{app}"
    third = begun("migrate", shop, *on, "--wait")
    assert third.stderr is not None
    assert "waiting for its end" in third.stderr.readline()
    # To look is not to migrate; the shop's own look waits for its own lock in the database, though.
    assert relbuild("migrate", *on, "--pending", "--dry-run").exit_code == 0
    wake(database)
    first_out, first_err = first.communicate(timeout=60)
    assert (first.returncode, "canceling statement due to user request" in first_err) == (1, True)
    third_out, third_err = third.communicate(timeout=60)
    assert (third.returncode, third_out) == (0, "Nothing to migrate\n"), third_err
    assert len(first_out.splitlines()) == 3
    assert (versions(database), "half" in columns(database)) == (MIGRATIONS, False)


def test_two_that_start_together(docker: Docker, shop: str, app: str, database: Any, labels: tuple[str, ...]) -> None:
    on = ("--on", f"container:{app}")
    # One that has ended is in the way of both, and each tries to take it away.
    docker("run", "--name", f"relbuild-migrate-{app}", *labels, shop, "version")
    calls = [begun("migrate", *on, "--wait") for _ in range(3)]
    ended = [(call.communicate(timeout=120), call.returncode) for call in calls]
    assert [code for _, code in ended] == [0, 0, 0], ended
    outputs = sorted(out for (out, _), _ in ended)
    assert (len(outputs[0].splitlines()), outputs[1:]) == (3, ["Nothing to migrate\n"] * 2)
    assert versions(database) == MIGRATIONS


def test_killed_half_way(
    docker: Docker,
    slow: str,
    shop: str,
    app: str,
    database: Any,
    relbuild: Callable[..., Ran],
    wait: Callable[..., None],
) -> None:
    on = ("--on", f"container:{app}")
    cut = begun("migrate", slow, *on)
    wait(lambda: sleeping(database), "the migration", lambda: "")
    docker("kill", f"relbuild-migrate-{app}")
    _, said = cut.communicate(timeout=60)
    assert cut.returncode == 137
    assert said.splitlines()[-1] == (
        f"warning: its output is kept until the next one: docker logs relbuild-migrate-{app}"
    )
    # PostgreSQL notices that the connection has gone when it next wants to say something.
    wake(database)
    again = relbuild("migrate", shop, *on)
    assert (again.exit_code, again.stdout) == (0, "Nothing to migrate\n"), again.stderr
    assert (versions(database), "half" in columns(database)) == (MIGRATIONS, False)


def test_one_that_takes_too_long(
    docker: Docker, slow: str, shop: str, app: str, database: Any, relbuild: Callable[..., Ran]
) -> None:
    on = ("--on", f"container:{app}")
    ended = relbuild("migrate", slow, *on, "--timeout", "5")
    assert ended.exit_code == 124, ended.stderr
    kept = f"relbuild-migrate-{app}"
    assert ended.stderr.splitlines()[-3:] == [
        f"warning: its output is kept until the next one: docker logs {kept}",
        "error: it was stopped after 5 s, the time limit",
        "  --timeout SECONDS sets a longer one",
    ]
    assert docker("inspect", "--format", "{{.State.Status}}", kept) == "exited"
    wake(database)
    again = relbuild("migrate", shop, *on, "--timeout", "300")
    assert (again.exit_code, again.stdout) == (0, "Nothing to migrate\n"), again.stderr
    assert (versions(database), "half" in columns(database)) == (MIGRATIONS, False)


def test_relbuild_interrupted_half_way(
    slow: str, app: str, database: Any, relbuild: Callable[..., Ran], wait: Callable[..., None]
) -> None:
    call = begun("migrate", slow, "--on", f"container:{app}")
    wait(lambda: sleeping(database), "the migration", lambda: "")
    call.send_signal(signal.SIGINT)
    call.communicate(timeout=60)
    assert call.returncode == 130
    wait(lambda: not exists(f"relbuild-migrate-{app}"), "the end of the one-off container", lambda: "")
    wake(database)
    after = relbuild("migrate", "--on", f"container:{app}")
    assert (after.exit_code, after.stdout) == (0, "Nothing to migrate\n"), after.stderr
    assert (versions(database), "half" in columns(database)) == (MIGRATIONS, False)


def test_relbuild_killed_half_way_lets_the_migration_go_on(
    slow: str, app: str, database: Any, relbuild: Callable[..., Ran], wait: Callable[..., None]
) -> None:
    on = ("--on", f"container:{app}")
    call = begun("migrate", slow, *on)
    wait(lambda: sleeping(database), "the migration", lambda: "")
    call.kill()
    call.wait(60)
    # It holds the lock to its end, and with its end it frees the lock.
    assert relbuild("migrate", *on).exit_code == 6
    wake(database)
    after = relbuild("migrate", *on, "--wait")
    assert (after.exit_code, after.stdout) == (0, "Nothing to migrate\n"), after.stderr
    assert (versions(database), "half" in columns(database)) == (MIGRATIONS, False)


def test_a_failed_migration_leaves_its_log_and_code(
    docker: Docker, with_migration: Callable[..., str], shop: str, app: str, database: Any, relbuild: Callable[..., Ran]
) -> None:
    failing = with_migration("fail", "ALTER TABLE products ADD COLUMN half int; SELECT 1 / 0;")
    on = ("--on", f"container:{app}")
    failed = relbuild("migrate", failing, *on)
    assert failed.exit_code == 1
    assert "20300101000000_fail failed and left nothing behind: ERROR 22012: division by zero" in failed.stderr
    kept = f"relbuild-migrate-{app}"
    assert f"docker logs {kept}" in failed.stderr
    logs = subprocess.run(("docker", "logs", kept), capture_output=True, text=True)
    assert (logs.stdout, "division by zero" in logs.stderr) == (failed.stdout, True)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", kept) == "1"
    assert (versions(database), "half" in columns(database)) == (MIGRATIONS, False)
    assert relbuild("migrate", shop, *on).stdout == "Nothing to migrate\n"
    assert not exists(kept)


def test_without_a_place_the_same_surroundings_are_one_target(
    slow: str, shop: str, database: Any, relbuild: Callable[..., Ran], wait: Callable[..., None]
) -> None:
    around = ("--network", database.network, "--env", f"DATABASE_URL={database.url}")
    first = begun("migrate", slow, *around)
    wait(lambda: sleeping(database), "the first migration", lambda: "")
    held = relbuild("migrate", shop, *around, "--json")
    [error] = json.loads(held.stdout)["errors"]
    assert (held.exit_code, error["code"]) == (6, "locked")
    assert database.password not in held.stdout + held.stderr
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    wake(database)
    assert relbuild("migrate", shop, *around).exit_code == 0


def test_a_command_of_the_releases_own_and_several_networks(
    docker: Docker, derived: Callable[..., str], database: Any, labels: tuple[str, ...], relbuild: Callable[..., Ran]
) -> None:
    """Phoenix's overlay bin/migrate; the app is in two networks, and has its database in the second."""
    own = derived(
        "overlay",
        'RUN printf \'#!/bin/sh\\ncd -P -- "$(dirname -- "$0")"\\nexec ./shop eval Shop.Release.migrate\\n\''
        " >/app/bin/migrate && chmod +x /app/bin/migrate",
        "LABEL io.relbuild.migrate-command=bin/migrate",
    )
    name = f"shop-{uuid.uuid4().hex[:8]}"
    other = f"relbuild-test-{name}"
    docker("network", "create", *labels, other)
    docker(
        *("create", "--name", name, *labels, "--network", other, "--env", f"DATABASE_URL={database.url}", own),
    )
    docker("network", "connect", database.network, name)
    docker("start", name)
    ran = relbuild("migrate", "--on", f"container:{name}", "-v")
    assert ran.exit_code == 0, ran.stderr
    assert f"--entrypoint /app/bin/migrate {own}\n" in ran.stderr
    assert f"+ docker network connect {database.network} relbuild-migrate-{name}\n" in ran.stderr
    assert versions(database) == MIGRATIONS


def test_an_image_of_phoenixs_own_dockerfile(
    docker: Docker, cleanup: Any, run_id: str, relbuild: Callable[..., Ran]
) -> None:
    """It has no labels; its command is the overlay bin/server, and beside the boot script lies bin/migrate."""
    dockerfile = (
        "FROM debian:trixie-slim\nWORKDIR /app/bin\n"
        "RUN printf '#!/bin/sh\\n# start_erl.data RELEASE_ROOT\\n' >hello && chmod +x hello"
        " && printf '#!/bin/sh\\necho migrated $RELEASE_TMP\\nexit 3\\n' >migrate && chmod +x migrate\n"
        'WORKDIR /app\nCMD ["/app/bin/server"]\n'
    )
    plain = cleanup.image(f"relbuild-test-migrate-plain:{run_id}")
    docker("build", "--quiet", "--tag", plain, "-", stdin=dockerfile)
    variable = ("--env", f"RUN_ID={run_id}")
    ran = relbuild("migrate", plain, *variable, "-v")
    assert (ran.exit_code, ran.stdout) == (3, "migrated /tmp\n"), ran.stderr
    assert f"--entrypoint /app/bin/migrate {plain}\n" in ran.stderr
    cleanup.container(ran.stderr.split()[-1])
    back = relbuild("migrate", plain, *variable, "--rollback-to", FIRST)
    assert (back.exit_code, f"the image {plain} has no rollback expression" in back.stderr) == (2, True)


def test_a_target_of_relbuild_yml(
    docker: Docker, shop: str, database: Any, tmp_path: Path, labels: tuple[str, ...], relbuild: Callable[..., Ran]
) -> None:
    copy = Path(shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns("_build", "deps")))
    with (copy / "relbuild.yml").open("a") as config:
        config.write(
            f"image: {shop.partition(':')[0]}\ntargets:\n  prod:\n    engine: host\n"
            f"    networks: [{database.network}]\n    env: {{DATABASE_URL: null}}\n    env_file: prod.env\n"
        )
    (copy / "prod.env").write_text("POOL_SIZE=2\n")
    on = ("--on", "prod", "-C", str(copy))
    unset = relbuild("migrate", *on)
    said = "relbuild.yml:17:11: the target prod takes DATABASE_URL from the environment, and it isn't set here\n"
    assert (unset.exit_code, said in unset.stderr) == (2, True), unset.stderr
    # Before the first deployment: what relbuild.yml says, and the newest image.
    first = relbuild("migrate", *on, "-v", env={"DATABASE_URL": database.url})
    assert (first.exit_code, versions(database)) == (0, MIGRATIONS), first.stderr
    assert f"--network {database.network} --read-only --tmpfs /tmp --env POOL_SIZE --env DATABASE_URL " in first.stderr
    assert database.password not in first.stderr
    # Then what the app has that runs there.
    name = f"shop-{uuid.uuid4().hex[:8]}"
    docker(
        *("run", "--detach", "--name", name, *labels, "--network", database.network),
        *("--env", f"DATABASE_URL={database.url}", shop),
    )
    then = relbuild("migrate", *on, "--dry-run")
    assert f"--label 'io.relbuild.migration=container {name}'" in then.stdout, then.stderr
    docker("container", "rm", "--force", name)


def test_the_expressions_for_ecto_are_elixir(docker: Docker, shop: str) -> None:
    """Run against modules that stand in for Ecto's and for the one Phoenix generates."""
    files = {
        "mix.exs": "defmodule A.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop, version: "1.0.0", deps: [{:ecto_sql, "~> 3.12"}]]\nend\n',
        "lib/release.ex": "defmodule Shop.EctoRelease.Release do\n  def migrate, do: 1\n"
        "  def rollback(repo, version), do: {repo, version}\nend\n",
    }
    tree = Files(files)
    read = project.read_project(tree)
    [found] = migrations.find_migrations(tree, read, ()).found
    assert found.rollback is not None
    rollback = migrations.rollback_expression(found.rollback, "7")
    script = (
        "defmodule Ecto.Migrator do\n"
        "  def with_repo(repo, f), do: {:ok, f.(repo), []}\n"
        '  def migrations(Shop.Repo), do: [{:up, 1, "one"}, {:down, 2, "two"}, {:down, 3, "three"}]\nend\n'
        "defmodule Shop.EctoRelease.Release do\n  def rollback(repo, version), do: IO.inspect({repo, version})\nend\n"
        "Application.put_env(:shop, :ecto_repos, [Shop.Repo])\n"
        f"{migrations.pending_expression(migrations.ecto_applications(read, ()))}\n{rollback}\n"
        "Application.put_env(:shop, :ecto_repos, [Shop.Repo, Shop.Other])\n"
        f"try do\n{rollback}\nrescue\nerror -> IO.puts(error.message)\nend\n"
    )
    url = ("--env", "DATABASE_URL=postgres://u:p@nowhere.invalid/shop")
    assert docker("run", "--rm", *url, shop, "eval", script).splitlines() == [
        "pending 2 two",
        "pending 3 three",
        "{Shop.Repo, 7}",
        "which of [Shop.Repo, Shop.Other]? Shop.EctoRelease.Release.rollback/2 takes one of them",
    ]


@pytest.fixture
def service(
    docker: Docker, derived: Callable[..., str], database: Any, swarm: str, labels: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Give a service whose database's URL is a Docker secret, and its image."""
    image = derived(
        "secret", """RUN echo 'export DATABASE_URL="$(cat /run/secrets/shop_url)"' >>/app/releases/0.1.0/env.sh"""
    )
    name = f"shop-{uuid.uuid4().hex[:8]}"
    docker("network", "create", "--driver", "overlay", "--attachable", *labels, name)
    docker("network", "connect", name, database.container)
    docker("secret", "create", *labels, name, "-", stdin=database.url)
    docker(
        *("service", "create", "--detach", "--name", name, *labels, "--network", name, "--read-only"),
        *("--mount", "type=tmpfs,destination=/tmp", "--secret", f"source={name},target=shop_url,mode=0444"),
        *("--env", "SHOP_KEY=not-to-be-seen", image),
    )
    yield name, image
    docker("service", "rm", name)
    subprocess.run(("docker", "service", "rm", f"relbuild-migrate-{name}"), capture_output=True)
    docker("network", "disconnect", "--force", name, database.container)


def test_a_swarm_service_with_a_secret(
    service: tuple[str, str],
    docker: Docker,
    derived: Callable[..., str],
    database: Any,
    relbuild: Callable[..., Ran],
    wait: Callable[..., None],
) -> None:
    name, _ = service
    on = ("--on", f"service:{name}")
    dry = relbuild("migrate", *on, "--dry-run")
    assert f"--secret source={name},target=shop_url,uid=0,gid=0,mode=0444 " in dry.stdout
    migrated = relbuild("migrate", *on, "-v")
    assert migrated.exit_code == 0, migrated.stderr
    assert [line.split()[0] for line in migrated.stdout.splitlines()] == ["Migrated"] * 3
    assert versions(database) == MIGRATIONS
    for each in (dry, migrated):
        assert database.password not in each.stdout + each.stderr
        assert "not-to-be-seen" not in each.stdout + each.stderr

    failing = derived(
        "secret-fail",
        """RUN echo 'export DATABASE_URL="$(cat /run/secrets/shop_url)"' >>/app/releases/0.1.0/env.sh""",
        """LABEL io.relbuild.migrate='IO.puts("begun"); IO.puts(:stderr, "é"); exit({:shutdown, 7})'""",
    )
    failed = relbuild("migrate", failing, *on, "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["data"]["output"]) == (7, "begun\n")
    assert "é\n" in failed.stderr
    assert f"docker service logs --raw relbuild-migrate-{name}" in failed.stderr
    assert docker("service", "logs", "--raw", f"relbuild-migrate-{name}").splitlines() == ["begun"]

    slow = derived(
        "secret-slow",
        """RUN echo 'export DATABASE_URL="$(cat /run/secrets/shop_url)"' >>/app/releases/0.1.0/env.sh""",
        "LABEL io.relbuild.migrate='IO.puts(~s(begun)); Process.sleep(:infinity)'",
    )
    first = begun("migrate", slow, *on)
    assert first.stdout is not None
    # Output comes while it runs.
    assert first.stdout.readline() == "begun\n"
    held = relbuild("migrate", *on)
    assert (held.exit_code, f" has been migrating service {name} with {slow} since 20" in held.stderr) == (6, True)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert first.returncode == 130
    ended = relbuild("migrate", slow, *on, "--timeout", "8")
    assert (ended.exit_code, ended.stdout) == (124, "begun\n")
    assert "error: it was stopped after 8 s, the time limit\n" in ended.stderr
    assert docker("service", "ls", "--quiet", "--filter", f"name=relbuild-migrate-{name}") == ""
    again = relbuild("migrate", *on)
    assert (again.exit_code, again.stdout) == (0, "Nothing to migrate\n"), again.stderr
