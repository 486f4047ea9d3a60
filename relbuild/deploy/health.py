"""What an engine says of a new version's copies → whether it is healthy, still starts, or has failed, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from relbuild.deploy.spec import Probe
from relbuild.image.verify.trial import Socket

State = Literal["starting", "healthy", "failed"]
# A copy that nothing checks has to stay up for so many seconds.
STAYS = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a copy, or of all of them; ``why`` says what failed."""

    state: State
    why: str = ""


def of_container(inspected: Mapping[str, Any], seconds: float) -> Verdict:
    """Return the verdict on a container, ``seconds`` after its start; the shape is that of ``docker inspect``."""
    state = inspected["State"]
    restarts = int(inspected.get("RestartCount") or 0)
    if state.get("OOMKilled"):
        return Verdict("failed", "it ran out of memory, and the engine ended it")
    if restarts or state["Status"] in ("exited", "dead"):
        again = f" and was started again {restarts} times" if restarts > 1 else ""
        return Verdict("failed", f"it ended with exit code {state.get('ExitCode', 0)}{again}")
    if state.get("Error"):
        return Verdict("failed", str(state["Error"]))
    health = state.get("Health")
    if health is None or health["Status"] == "none":
        return Verdict("healthy" if state["Running"] and seconds >= STAYS else "starting")
    if health["Status"] == "unhealthy":
        return Verdict("failed", f"its health check fails: {last_check(health)}")
    return Verdict("healthy" if health["Status"] == "healthy" else "starting")


def last_check(health: Mapping[str, Any]) -> str:
    """Return what the last health check printed, or its exit code; nothing where there was none."""
    checks = health.get("Log") or ()
    if not checks:
        return ""
    last = checks[-1]
    output = " ".join(str(last.get("Output") or "").split())
    return output or f"exit code {last.get('ExitCode')}"


def together(verdicts: Sequence[Verdict], wanted: int) -> Verdict:
    """Return the verdict on several copies: the first failure, healthy when as many as wanted are."""
    bad = next((each for each in verdicts if each.state == "failed"), None)
    if bad is not None:
        return bad
    healthy = sum(each.state == "healthy" for each in verdicts)
    return Verdict("healthy" if healthy >= wanted else "starting")


def usual_cause(probe: Probe | None, check: str, log: Sequence[str], listening: Sequence[Socket] | None) -> str:
    """Return what usually causes a failed health check, by what was seen; ``listening`` are the release's sockets.

    Nothing where nothing points anywhere.
    """
    text = "\n".join(log)
    if re.search(r"HTTP/\d\S* 30[1278]", check):
        return (
            "the endpoint redirects the check, as force_ssl does: exclude the path or the host localhost in force_ssl "
            '(exclude: [hosts: ["localhost"]])'
        )
    if found := re.search(r"HTTP/\d\S* (4\d\d|5\d\d)", check):
        return f"the release answers {found[1]} to {probe.path if probe else 'the check'}: is that the path to check?"
    if listening is None or probe is None or not probe.port:
        return ""
    ports = sorted({each.port for each in listening})
    own = [each for each in listening if each.port == probe.port]
    if not ports:
        server = " (PHX_SERVER=true starts Phoenix's)" if "PHX_SERVER" not in text else ""
        return f"nothing listens on any port: the server isn't started{server}"
    if not own:
        return f"it listens on {', '.join(map(str, ports))}, and the check asks port {probe.port}"
    if all(each.loopback for each in own):
        return f"it listens on {probe.port} on the loopback address alone: bind ip: {{0, 0, 0, 0, 0, 0, 0, 0}}"
    return ""
