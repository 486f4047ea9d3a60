"""The shell's commands that compile the project, build its assets, and make the release."""

from __future__ import annotations

import posixpath
import shlex

from relbuild.image.assets import PHOENIX_TASKS
from relbuild.image.location import leaves
from relbuild.image.plan import Plan
from relbuild.mix.versions import Version

# phx.digest notes in its manifest when it ran, which only phx.digest.clean looks at: equal assets, equal image.
UNDATED = "-o -path '*/static/cache_manifest.json' -exec sed -i 's/\"mtime\":[0-9]*/\"mtime\":0/g' {} +"

# The first Elixir whose `mix do` takes a plus (Mix.Tasks.Do); newer ones warn of the comma that older ones want.
PLUS = Version(1, 14, 0)


def compiled(plan: Plan) -> str:
    """Return what compiles the project and builds its assets.

    The assets come after the compiler: it writes files that go into them, and templates are searched for class names.
    """
    commands = _joined(plan, ["mix compile", *(_in_shell(command.line) for command in plan.assets.commands)])
    if plan.assets.digests:
        commands.append(f"find . \\( {made(plan)} \\) -prune \\\n  {UNDATED}")
    return "\n".join(commands)


def compiled_and_released(plan: Plan) -> str:
    """Return what compiles the project and makes its release; `mix release` compiles what isn't yet."""
    return "\n".join((compiled(plan), released(plan))) if plan.assets.commands else released(plan)


def _joined(plan: Plan, commands: list[str]) -> list[str]:
    """Return the commands with those in front that are Phoenix's as one: starting Mix takes longer than most do.

    Not with `mix release`, which looks once more whether a module embeds what the assets have become.
    """
    version = plan.toolchain.elixir
    elixir = None if version is None else Version.parse(version.value)
    if elixir is None or elixir < PLUS:
        return commands
    count = 1
    while count < len(commands) and commands[count] in PHOENIX_TASKS:
        count += 1
    first = " + ".join(command.removeprefix("mix ") for command in commands[:count])
    # Quoted, as linters take it for the shell's own word.
    return commands if count == 1 else [f"mix 'do' {first}", *commands[count:]]


def _in_shell(line: str) -> str:
    """Return a command that leaves the shell after it as it was: in its directory, with its options."""
    line = line.strip("\n")
    return f"(\n{line}\n)" if "\n" in line else line if line.startswith("mix ") else f"({line})"


def released(plan: Plan) -> str:
    """Return what makes the release."""
    name = f" {plan.release.name}" if plan.release.defined else ""
    release = f"mix release{name} --path /release"
    if plan.narrowing.runtime is None:
        return release
    path = shlex.quote(plan.narrowing.runtime.path)
    directory = shlex.quote(posixpath.dirname(plan.narrowing.runtime.path) or ".")
    # Mix.Tasks.Release copies it unread.
    return f"# A stand-in: Mix only has to see that there is one.\nmkdir -p {directory}\n: >{path}\n{release}"


def source_roots(plan: Plan) -> str:
    """Return where the build's sources are, as a shell's words."""
    return " ".join(map(shlex.quote, _roots(plan)))


def asked_files(plan: Plan) -> tuple[str, ...]:
    """Return the files that a mix.exs reads, and rebar3's, as find names them."""
    manifests = (path for path in plan.sources.manifests if posixpath.basename(path) != "mix.exs")
    return tuple(path if leaves(path) else f"./{path}" for path in manifests if path != plan.sources.lockfile)


def made(plan: Plan) -> str:
    """Return find's expression for what earlier stages and builds have made, which is no source."""
    workdir = plan.sources.context.workdir
    paths = (
        f"{root}/{path}"
        for root in _roots(plan)
        for directory in (plan.sources.build_path, f"{workdir}/deps")
        if not leaves(path := posixpath.relpath(directory, posixpath.join(workdir, root)))
    )
    return " -o ".join((*(f"-path {shlex.quote(path)}" for path in paths), "-name node_modules"))


def _roots(plan: Plan) -> tuple[str, ...]:
    return (".", *(path for path in dict.fromkeys(plan.sources.projects) if leaves(path)))
