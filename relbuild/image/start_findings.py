"""What came of a release's trials, judged: findings, each with what mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.image import telling
from relbuild.image.findings import Finding
from relbuild.image.shipped import Shipped
from relbuild.image.trials import Boot, Start, Trials
from relbuild.mix.environment import conditions
from relbuild.mix.environment.contract import COMMAND

READ_ONLY = re.compile(r"read-only file system|\berofs\b", re.IGNORECASE)
COOKIE_FILE = "/.erlang.cookie"
OTHER_MACHINE = re.compile(r"exec format error", re.IGNORECASE)
GIVE = "relbuild verify IMAGE --env-file FILE tries it with its environment"
# What the release's own files don't tell: that it needs another machine, and variables that an application reads.
ELSEWHERE = re.compile(
    r"(?i:econnrefused|nxdomain|non-existing domain|timed? ?out|enetunreach|ehostunreach|eai_again|unreachable"
    r"|connection (?:refused|not available|closed)|DBConnection|environment)|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b"
)
KILLED = 137
# trials.END_AT_ONCE
WITHOUT_THE_SECOND = ", without the second that the VM waits at its end"
NO_PROGRAM = re.compile(r"executable file not found|(?:^|: )[\w./-]+: (?:command )?not found")
NO_COOKIE = re.compile(r"releases/COOKIE'?: No such file")
NO_USER = re.compile(r"unable to find (?:user|group)")


def commands(shipped: Shipped, trials: Trials, start: Start) -> Iterator[Finding]:
    """Yield whether the release's commands work, each in a container of its own."""
    if OTHER_MACHINE.search(trials.version.output):
        yield Finding("commands", "note", "not tried: this engine can't run programs of the image's platform")
        return
    if trials.version.exit_code or f"{shipped.name} {shipped.version}" not in trials.version.output:
        yield Finding(
            "commands",
            "failed",
            f"bin/{shipped.name} version doesn't work: {_last(trials.version.output, trials.version.exit_code)}",
            _version_mending(shipped, trials.version.output),
        )
        return
    if not trials.evaluated.exit_code:
        yield Finding("commands", "ok", "version and eval work")
    elif trials.bare is not None and not trials.bare.exit_code:
        unset = telling.unset(trials.evaluated.output, start.contract)
        # One that was given may have a value that isn't taken.
        unset = None if unset in start.given else unset
        why = f"needs {unset}, which isn't set here" if unset else f"fails: {_last(trials.evaluated.output)}"
        yield Finding(
            "commands",
            "note" if unset else "warning",
            f"version and eval work; eval with its configuration {why}",
            _add(unset) if unset and start.given else GIVE,
        )
    else:
        ran = trials.bare or trials.evaluated
        yield Finding(
            "commands",
            "failed",
            f"bin/{shipped.name} eval doesn't work: {_last(ran.output, ran.exit_code)}",
            f"try it: docker run --rm IMAGE eval ':ok' (/{shipped.directory}/bin/{shipped.name})",
        )


def _version_mending(shipped: Shipped, output: str) -> str:
    if NO_COOKIE.search(output):
        return (
            "the image has no releases/COOKIE, so that every command needs RELEASE_COOKIE: relbuild verify IMAGE "
            "--env RELEASE_COOKIE=… tries it"
        )
    if NO_USER.search(output):
        return "name the user by number: USER 10001:10001"
    if NO_PROGRAM.search(output):
        return "the boot script needs a shell and sed, cut, cat, od, awk, grep, date, readlink and dirname in the image"
    if telling.refusal(output):
        return "docker couldn't start a container of the image: mend what it names, such as USER, WORKDIR or --network"
    return f"try it: docker run --rm --entrypoint /{shipped.directory}/bin/{shipped.name} IMAGE version"


def boot(boot: Boot, start: Start) -> Finding:
    """Return whether the release boots, and how it ends."""
    if boot.stopped_after is None:
        return _unstartable(boot) or _unbooted(boot, start)
    signal = start.stop_signal
    if boot.exit_code == 0 and boot.silent_for is None:
        message = f"it boots on a read-only root, and {signal} ends it in {boot.stopped_after:.1f} s"
        # The one signal of these at which the VM stops in good order.
        return Finding("boot", "ok", message + WITHOUT_THE_SECOND * (signal == "SIGTERM"))
    silent = "" if boot.silent_for is None else f"it didn't say within {boot.silent_for:.0f} s that it was up"
    if boot.exit_code == 0:
        return Finding(
            "boot",
            "warning",
            f"whether it boots isn't known: {silent}; {signal} ended it in {boot.stopped_after:.1f} s",
            "docker run --rm IMAGE shows what it waits for; a start script that sets ERL_AFLAGS has to keep what is in "
            'it, by which this is said: ERL_AFLAGS="$ERL_AFLAGS …"',
        )
    if boot.exit_code == KILLED and signal == "SIGKILL":
        message = "it is killed at once, so that nothing it does can be brought to an end"
        mending = ""
    elif boot.exit_code == KILLED:
        message = f"{signal} doesn't end it within {start.stop_timeout} s: it had to be killed"
        mending = (
            'the release must get the signal: start it in exec form, CMD ["/app/bin/NAME", "start"], and where a shell '
            "script starts it, with exec; what takes longer to drain needs a longer --stop-timeout"
        )
    else:
        message = f"{signal} ends it with exit code {boot.exit_code}, not 0"
        mending = "something crashed while it stopped, or what started the release doesn't pass its exit code on"
    if signal != "SIGTERM":
        mending = f"SIGTERM ends a release, and the image says STOPSIGNAL {signal}: take that out of the Dockerfile"
    return Finding("boot", "failed", f"{message}; {silent}" if silent else message, mending)


def _unstartable(boot: Boot) -> Finding | None:
    """Return what is to say of a start that can't succeed in any environment, and of one that can't be tried here."""
    last = _last(boot.output, boot.exit_code)
    if boot.exit_code == 0:
        return Finding("boot", "note", "it ends by itself, with exit code 0: stopping it was not tried")
    if OTHER_MACHINE.search(boot.output):
        return Finding("boot", "note", "not tried: this engine can't run programs of the image's platform")
    if telling.uncompiled(boot.output):
        # All of it is compiled before any of it runs, whatever is set.
        return Finding(
            "boot",
            "failed",
            f"it doesn't boot: {last}",
            "that is the configuration which the release reads when it starts, config/runtime.exs: mend it there",
        )
    if COOKIE_FILE in last:
        # Which error it is says where it was tried, and nothing of the reason.
        return Finding(
            "boot",
            "failed",
            f"it doesn't boot: {last}",
            "the VM makes a cookie of its own when it is given none, or two: take -setcookie out of vm.args and of "
            "ERL_FLAGS; RELEASE_COOKIE gives one",
        )
    if READ_ONLY.search(last):
        return Finding(
            "boot",
            "failed",
            f"it doesn't boot on a read-only root: {last}",
            "write below RELEASE_TMP or /tmp alone; reboot_system_after_config needs RELEASE_TMP to be writable",
        )
    if telling.refusal(boot.output):
        return Finding(
            "boot",
            "failed",
            f"it can't be started: {last}",
            "docker says so of every start of the image: mend what it names, such as ENTRYPOINT, CMD, USER or WORKDIR",
        )
    return None


def _unbooted(boot: Boot, start: Start) -> Finding:
    last = _last(boot.output, boot.exit_code)
    unset = telling.unset(boot.output, start.contract)
    if unset and unset in start.given:
        message = f"it doesn't boot with the {unset} that it was given: {last}"
        return Finding("boot", "failed", message, f"give {unset} another value")
    if unset and start.given:
        return Finding("boot", "failed", f"it doesn't boot without {unset}, which it wasn't given", _add(unset))
    if start.given:
        return Finding("boot", "failed", f"it doesn't boot: {last}", "docker run it with the same environment")
    if unset:
        return Finding("boot", "note", f"not tried: it doesn't boot without {unset}", GIVE)
    if _needs_nothing(start) and boot.exit_code != KILLED and not ELSEWHERE.search(telling.line(boot.output)):
        return Finding(
            "boot",
            "failed",
            f"it doesn't boot, and no variable is known that it would need: {last}",
            "docker run --rm IMAGE shows all that it says; relbuild image --no-verify gives one a name all the same",
        )
    return Finding("boot", "warning", f"it doesn't boot without its environment: {last}", GIVE)


def _needs_nothing(start: Start) -> bool:
    """Tell whether the release has every variable that it may need to boot, as far as its contract tells.

    What is read without a default and isn't set may be missing: the release is given nothing in its place.
    """
    contract = start.contract
    if contract is None or contract.unknown:
        return False
    given = {**start.env, COMMAND: "start"}
    unclear = any(
        each.fails.holds(given.get(variable.name)) and conditions.evaluate(each.when, given) is not False
        for variable in contract.variables
        for each in variable.requirements
    )
    bare = any(
        each.kind == "optional" and each.default is None and each.name not in given for each in contract.variables
    )
    return not (unclear or bare)


def _add(variable: str) -> str:
    return f"add {variable} to the file of --env-file, or give it with --env {variable}=…"


def _last(output: str, exit_code: int | None = None) -> str:
    """Return the line that tells most, and the exit code."""
    code = f"exit code {exit_code}" if exit_code else ""
    return ", ".join(part for part in (telling.line(output), code) if part)
