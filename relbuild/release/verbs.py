"""Which of a release's commands make sense where: the one table of verbs and places."""

from __future__ import annotations

from dataclasses import dataclass

from relbuild.errors import UsageError

IMAGE, CONTAINER, SERVICE, POD, DEPLOYMENT = "image", "container", "service", "pod", "deployment"
# Each kind of place with what stands after its colon.
PLACES = {IMAGE: "REF", CONTAINER: "NAME", SERVICE: "NAME", POD: "[NAMESPACE/]NAME", DEPLOYMENT: "[NAMESPACE/]NAME"}
EVERYWHERE = tuple(PLACES)
RUNNING = (CONTAINER, SERVICE, POD, DEPLOYMENT)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: the boot script's word for it, where it makes sense, and why it doesn't elsewhere."""

    script: str
    places: tuple[str, ...]
    elsewhere: str = ""
    stdin: bool = False
    terminal: bool = False


_NOTHING_RUNS = "it speaks to a running system, and in a one-off container of an image none runs"
_STARTS = "it starts a system of its own, and there one runs already"
_NO_ONE_OFF = "relbuild makes no pods of its own"

VERBS = {
    "eval": Verb("eval", EVERYWHERE, stdin=True),
    "rpc": Verb("rpc", RUNNING, _NOTHING_RUNS, stdin=True),
    "remote": Verb("remote", RUNNING, _NOTHING_RUNS, stdin=True, terminal=True),
    "start-iex": Verb("start_iex", (IMAGE,), _STARTS, stdin=True, terminal=True),
    "pid": Verb("pid", RUNNING, _NOTHING_RUNS),
    "stop": Verb("stop", RUNNING, _NOTHING_RUNS),
    "restart": Verb("restart", RUNNING, _NOTHING_RUNS),
    "version": Verb("version", EVERYWHERE),
    "migrate": Verb("eval", (IMAGE, CONTAINER, SERVICE), _NO_ONE_OFF),
    "logs": Verb("", RUNNING, "a one-off container of an image has written none yet"),
}
# What does what was probably meant.
INSTEAD = {
    "start-iex": "relbuild remote is the shell on the running one",
    "rpc": "relbuild eval needs no running system",
    "migrate": "relbuild eval runs its expression in the pod",
}


@dataclass(frozen=True, slots=True)
class PlaceName:
    """``--on`` as it was given: a kind of place and a name, or a target of relbuild.yml (kind ``target``)."""

    kind: str
    name: str

    @property
    def namespace(self) -> str | None:
        """The Kubernetes namespace before the slash, where there is one."""
        before, slash, _ = self.name.partition("/")
        return before if slash and self.kind in (POD, DEPLOYMENT) else None

    @property
    def own_name(self) -> str:
        """The name without its namespace."""
        return self.name.partition("/")[2] if self.namespace is not None else self.name

    def __str__(self) -> str:
        return self.name if self.kind == "target" else f"{self.kind}:{self.name}"


def parse(on: str) -> PlaceName:
    """Return what ``--on`` names; raise UsageError for a kind of place there is none of."""
    kind, colon, name = on.partition(":")
    if not colon and kind and kind not in PLACES:
        return PlaceName("target", kind)
    if kind not in PLACES or not name or name.startswith("-"):
        raise UsageError(f"--on {on}: there is no such place", hint=f"write --on {choices(EVERYWHERE)}")
    return PlaceName(kind, name)


def require(verb: str, kind: str) -> Verb:
    """Return a verb that makes sense at a kind of place; raise UsageError, naming those where it does."""
    found = VERBS[verb]
    if kind in found.places:
        return found
    article = "an" if kind[0] in "aeiou" else "a"
    hint = f"relbuild {verb} --on {choices(found.places)}"
    raise UsageError(
        f"{verb} makes no sense on {article} {kind}: {found.elsewhere}",
        hint=f"{hint}; {INSTEAD[verb]}" if verb in INSTEAD else hint,
    )


def choices(kinds: tuple[str, ...]) -> str:
    """Return the kinds of place as one writes them; a target stands for what runs there."""
    words = [f"{kind}:{PLACES[kind]}" for kind in kinds]
    if CONTAINER in kinds:
        words.append("a target's name from relbuild.yml")
    return " or ".join((", ".join(words[:-1]), words[-1])) if words[1:] else words[0]
