"""What makes the project's Phoenix endpoints serve when the image starts the release."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from relbuild.config import Config
from relbuild.elixir.syntax import Source, pair_key, walk
from relbuild.errors import Mark, Problem
from relbuild.facts import Known, Tree
from relbuild.mix import elixir_files, scripts
from relbuild.mix.environment import Contract, describe, lacks
from relbuild.mix.environment.boot import PROVIDED
from relbuild.mix.environment.conditions import (
    NEVER,
    Condition,
    OneOf,
    constant,
    either,
    evaluate,
    every,
    given,
    leaves,
    negation,
    unclear,
    variables,
)
from relbuild.mix.environment.config_calls import ConfigCall
from relbuild.mix.environment.values import truthy
from relbuild.mix.project import Project, Release

# Tried after the values that a condition names.
USUAL = ("true", "1")
# The defaults of variables that turn something on, and what such a variable is used for.
OFF = ("", "0", "false", "no", "off", "disabled", "nil")
SWITCHES = ("boolean", "choice", "atom")
# What `mix phx.gen.release` calls the script that starts the server.
OVERLAY = "bin/server"


@dataclass(frozen=True, slots=True)
class ImageVariable:
    """An environment variable that the image sets unless relbuild.yml does, and why."""

    name: str
    value: str
    reason: str
    at: Mark


@dataclass(frozen=True, slots=True)
class Serving:
    """The variables that start the endpoints' servers, and the endpoints of which no variable does.

    `notes` are on endpoints that serve only where their project's own settings say so.
    """

    variables: tuple[ImageVariable, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Endpoint:
    module: str
    app: str | None
    at: Mark


def find_serving(
    tree: Tree, parts: tuple[Project, ...], release: Release, config: Config, at_build: Contract, at_boot: Contract
) -> Serving:
    """Return what starts the servers of the endpoints in these parts of the project.

    Phoenix starts an endpoint's server when its option `server` is true, else when `config :phoenix, :serve_endpoints`
    is (Phoenix.Endpoint.Supervisor.server?/2), which `mix phx.server` sets and a release doesn't.
    """
    script = _start_script(tree, release)
    search = _Search(tree, release, config, at_build, at_boot, script)
    found: dict[str, ImageVariable] = {}
    problems: list[Problem] = []
    answers = [search.resolve(endpoint, part) for part in parts for endpoint in _endpoints(tree, part)]
    for answer in answers:
        if isinstance(answer, ImageVariable):
            found.setdefault(answer.name, answer)
        elif isinstance(answer, Problem):
            problems.append(answer)
    notes = [answer.problem for answer in answers if isinstance(answer, _Role | _Unclear)]
    if any(answer is None or isinstance(answer, ImageVariable) for answer in answers):
        notes = []
    elif any(isinstance(answer, _Unclear) for answer in answers):
        problems += [answer.problem for answer in answers if isinstance(answer, _Unclear)]
        notes = [answer.problem for answer in answers if isinstance(answer, _Role)]
    for name in sorted(script.sets.keys() - config.runner.env.keys()) if script is not None else ():
        if script is not None and _is_read(tree, parts, at_boot, name):
            found.setdefault(name, script.variable(name, "starts the server with it"))
    return Serving(tuple(found.values()), tuple(problems), tuple(notes))


def _is_read(tree: Tree, parts: tuple[Project, ...], at_boot: Contract, name: str) -> bool:
    named = any(variable.name == name for variable in at_boot.variables)
    return named or any(elixir_files.modules_with(tree, parts, (f'"{name}"'.encode(),)))


def _endpoints(tree: Tree, part: Project) -> Iterator[_Endpoint]:
    """Yield the endpoints of an application; of several those that another module names, as a supervisor does."""
    own = part.app.value if isinstance(part.app, Known) else None
    found = elixir_files.find_uses(tree, part, "Phoenix.Endpoint")
    for use in found:
        last = use.module.rpartition(".")[2].encode()
        files = {source.file for source, _ in elixir_files.modules_with(tree, (part,), (last,))}
        if len(found) == 1 or files - {use.at.file}:
            yield _Endpoint(use.module, use.option("otp_app") or own, use.at)


@dataclass(frozen=True, slots=True)
class _Role:
    """An endpoint that serves in one of several roles, of which the project has another one by default."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class _Unclear:
    """An endpoint that serves under a condition that can't be read."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class _StartScript:
    """An overlay's script that starts the release's server: where it does, and the variables that it sets before."""

    at: Mark
    sets: Mapping[str, str]

    def variable(self, name: str, does: str) -> ImageVariable:
        return ImageVariable(name, self.sets[name], f"{self.at.file} {does}", self.at)


@dataclass(frozen=True, slots=True)
class _Search:
    tree: Tree
    release: Release
    config: Config
    at_build: Contract
    at_boot: Contract
    script: _StartScript | None

    def resolve(self, endpoint: _Endpoint, part: Project) -> ImageVariable | Problem | _Role | _Unclear | None:
        """Return the variable that starts the endpoint's server, None where it needs none, or why it doesn't serve."""
        building = _server(endpoint, self.at_build.config_calls)
        built = evaluate(building, self.config.builder.env)
        serves = _server(endpoint, self.at_boot.config_calls, building if built is None else constant(built))
        environment = {"RELEASE_COMMAND": "start", "RELEASE_NAME": self.release.name, **self.config.runner.env}
        names = sorted(variables(serves) - PROVIDED - self.config.runner.env.keys())
        # env.sh or relbuild.yml may decide it.
        if evaluate(serves, environment) or self.at_boot.exported.intersection(names):
            return None
        at = next((call.at for call in self.at_boot.config_calls if _configures(call, endpoint)), endpoint.at)
        starts = _server(endpoint, self.at_boot.config_calls) != NEVER
        switches = [name for name in names if starts and self._is_switch(name)]
        chosen = _choose(serves, switches, environment, self._accepts)
        if chosen is not None:
            name, value = chosen
            where = next((variable.at for variable in self.at_boot.variables if variable.name == name), at)
            return ImageVariable(name, value, f"{endpoint.module} serves only with it", where)
        if unclear(serves):
            if not starts:
                return None  # the build's configuration starts it, and only code that can't be read may turn it off
            if self.script is not None:
                return self.script.variable(min(self.script.sets), f"starts {endpoint.module} with it")
            return _Unclear(
                Problem(
                    f"whether {endpoint.module} serves isn't known: it depends on {describe(serves)}",
                    at,
                    "set what starts its server in relbuild.yml, such as runner: {env: {PHX_SERVER: true}}",
                )
            )
        if names:
            hint = f"set it in relbuild.yml: runner: {{env: {{{names[0]}: …}}}}"
            problem = Problem(f"{endpoint.module} serves only when {describe(serves)}", at, hint)
            return problem if switches else _Role(problem)
        return None if variables(serves) else self._never(endpoint, part, building)

    def _is_switch(self, name: str) -> bool:
        """Return whether a variable may only be there to turn something on: it has no default that means something."""
        variable = next((each for each in self.at_boot.variables if each.name == name), None)
        if variable is None:
            return True
        default = variable.default
        off = default is None or (default.literal and default.text.lower() in OFF)
        return off and (variable.use is None or variable.use.kind in SWITCHES)

    def _accepts(self, name: str, value: str) -> bool:
        """Return whether the release boots with the value, as far as its files say."""
        own = Contract(tuple(variable for variable in self.at_boot.variables if variable.name == name))
        return not lacks(own, {"RELEASE_COMMAND": "start", name: value})

    def _never(self, endpoint: _Endpoint, part: Project, building: Condition) -> Problem | None:
        """Return that nothing starts the endpoint's server, unless code in lib/ may."""
        read = [each for each in self.at_build.variables if each.name in variables(building)]
        if read:
            chosen = _choose(building, [each.name for each in read], {}, lambda name, value: True)
            example = f"{read[0].name}: {chosen[1] if chosen else '…'}"
            return Problem(
                f"{endpoint.module} serves only when {describe(building)} while the image is built",
                read[0].at,
                f"read it in runtime.exs, or set it in relbuild.yml: builder: {{env: {{{example}}}}}",
            )
        # Code, a file that isn't there or that can't be read, or a config provider may start it.
        unread = (each.at.file for each in (*self.at_build.possibly_more, *self.at_boot.possibly_more))
        configured = self.release.config_providers is not None or any(file.endswith(".exs") for file in unread)
        if configured or _in_code(self.tree, part):
            return None
        return Problem(
            f"nothing starts the server of {endpoint.module}: the release boots and serves nothing",
            endpoint.at,
            f"config :{endpoint.app}, {endpoint.module}, server: true in config/runtime.exs",
        )


def _server(endpoint: _Endpoint, calls: Iterable[ConfigCall], before: Condition = NEVER) -> Condition:
    """Return when the configuration starts the endpoint's server; ``before`` is what held until then."""
    own = everywhere = before
    decided: Condition = NEVER
    for call in calls:
        if (call.app, call.key) == ("phoenix", "serve_endpoints"):
            truth = truthy(call.value)
            everywhere = either((every((call.when, truth)), every((negation(call.when), everywhere))))
        elif _configures(call, endpoint):
            for when, value in call.option("server"):
                sets = every((call.when, when))
                own = either((every((sets, truthy(value))), every((negation(sets), own))))
                decided = either((decided, sets))
    return either((own, every((negation(decided), everywhere))))


def _configures(call: ConfigCall, endpoint: _Endpoint) -> bool:
    return call.key == endpoint.module and call.app == endpoint.app


def _choose(
    serves: Condition, names: list[str], environment: Mapping[str, str], accepts: Callable[[str, str], bool]
) -> tuple[str, str] | None:
    """Return a variable and a value that make it serve; where others must be set as well, one that is named for it."""
    tried = [(name, value) for name in names for value in _values(serves, name) if accepts(name, value)]
    for name, value in tried:
        if evaluate(serves, {**environment, name: value}) is True:
            return name, value
    for known, value in environment.items():
        serves = given(serves, known, value)
    for name, value in tried:
        rest = given(serves, name, value)
        if "SERVER" in name.upper() and rest not in (serves, NEVER) and not unclear(rest):
            return name, value
    return None


def _values(serves: Condition, name: str) -> Iterator[str]:
    named = {
        value for each in leaves(serves) if isinstance(each, OneOf) and each.variable == name for value in each.values
    }
    yield from sorted(value for value in named if value)
    yield from USUAL


def _in_code(tree: Tree, part: Project) -> bool:
    """Return whether a module with an endpoint in it sets the option `server`, or another one serves all endpoints."""
    found = elixir_files.modules_with(tree, (part,), (b"Endpoint", b"server"), (b"serve_endpoints",))
    return any(_sets_server(source) for source in {id(source): source for source, _ in found}.values())


def _sets_server(source: Source) -> bool:
    if b"serve_endpoints" in source.content:
        return True
    nodes = walk(source.root)
    return any(
        (node.type == "pair" and pair_key(source, node) == "server")
        or (node.type == "atom" and source.text(node) == ":server")
        for node in nodes
    )


def _start_script(tree: Tree, release: Release) -> _StartScript | None:
    """Return where an overlay's bin/server starts the release, and the variables that it sets before."""
    for script in scripts.overlay_scripts(tree, release):
        if script.installed != OVERLAY:
            continue
        for command in script.commands:
            program = (command.program or command.written.strip("\"'")).rpartition("/")[2]
            if program == release.name and command.words[:1] == ("start",):
                sets = {**script.assignments, **command.assigns}
                literal = {name: value for name, value in sets.items() if value}
                return _StartScript(command.at, literal) if literal else None
    return None
