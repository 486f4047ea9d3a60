"""main(): the one place that catches, renders and exits."""

from __future__ import annotations

import gc
import os
import signal
import sys

# typing takes a moment to import, in which Ctrl-C would give a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

    from relbuild.errors import RelbuildError

# The options every verb has, with the number of words each takes.
COMMON = {"-C": 2, "--config": 2, "--context": 2, "--host": 2, "--dry-run": 1, "-v": 1, "--verbose": 1, "--json": 1}


def main() -> NoReturn:
    """Run one verb and exit with its code."""
    try:
        code = _start(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        from relbuild.errors import Interrupted

        code = _failed("", Interrupted("interrupted"), "--json" in sys.argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    sys.exit(code)


def _start(argv: list[str]) -> int:
    """Prepare the process and return the exit code of the verb that ``argv`` names."""
    _prepare_streams()
    # A tenth of the start-up is spent looking for garbage that a process this short never makes.
    gc.disable()
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # under nohup it stays ignored
        signal.signal(signal.SIGHUP, _terminate)
    code = _run(_verb_first(argv))
    # Python looks once more before it ends, whatever was disabled; for what is frozen it doesn't.
    gc.freeze()
    return code


def _prepare_streams() -> None:
    """Put /dev/null in the place of streams that were closed, whose numbers the next files opened would get.

    For stdout it can't be written to, so that a result that nobody gets is a failure, as with a full disk. One that
    doesn't take every character is given others.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False))
    from io import TextIOWrapper

    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        # Better a name in other words than none; stderr does so by itself.
        sys.stdout.reconfigure(errors="backslashreplace")


def _verb_first(argv: list[str]) -> list[str]:
    """Return the words with the verb first, so that ``relbuild -C DIR plan`` is ``relbuild plan -C DIR``."""
    options = 0
    while options < len(argv) and (words := _common_words(argv[options])):
        options += words
    if options >= len(argv) or argv[options].startswith("-"):
        return argv
    return [argv[options], *argv[:options], *argv[options + 1 :]]


def _common_words(word: str) -> int:
    """Return how many words a common option takes that starts with this one; 0 when it is none."""
    name, equals, _ = word.partition("=")
    attached = (equals and name in COMMON) or (word.startswith("-C") and len(word) > 2)
    if attached:
        return 1
    return COMMON.get(word, 0)


def _run(argv: list[str]) -> int:
    from relbuild import output

    own = argv[: argv.index("--")] if "--" in argv else argv
    as_json = "--json" in own
    command = own[0] if own and not own[0].startswith("-") else ""
    try:
        if "--version" in own and not command:
            output.show_version()
            return 0
        return _call(argv or ["--help"], command, as_json)
    except output.Unwritable as error:
        return _unwritable(str(error))


def _call(argv: list[str], command: str, as_json: bool) -> int:
    from typer import Abort
    from typer._click.exceptions import ClickException  # typer carries its own click and exports no base class

    from relbuild import output
    from relbuild.cli.app import command_line
    from relbuild.errors import Interrupted, RelbuildError, UsageError

    try:
        result = command_line(command)(argv, standalone_mode=False, prog_name="relbuild")
        if result == Interrupted.exit_code:  # typer's own answer to a Ctrl-C, without a word
            return _failed(command, Interrupted("interrupted"), as_json)
        if isinstance(result, int) or result is None:  # --help
            return result or 0
        output.show(command, result, as_json=as_json)
        return int(result.exit_code)
    except RelbuildError as error:
        return _failed(command, error, as_json, _directory(argv))
    except ClickException as error:
        message = error.format_message()
        known = not message.startswith("No such command")
        return _failed(
            command,
            UsageError(message, hint=f"relbuild {command} --help" if command and known else "relbuild --help"),
            as_json,
        )
    except (KeyboardInterrupt, Abort):
        return _failed(command, Interrupted("interrupted"), as_json)
    except output.Unwritable:
        raise
    except OSError as error:
        if "--help" in argv:  # typer prints it itself
            raise output.Unwritable(f"can't write the result: {error.strerror}") from error
        return _fault(command, error, as_json)
    except Exception as error:
        return _fault(command, error, as_json)


def _directory(argv: list[str]) -> str:
    """Return the project's directory, which the places of errors are relative to."""
    own = argv[: argv.index("--")] if "--" in argv else argv
    directory = "."
    for index, word in enumerate(own):
        if word.startswith("-C"):
            directory = word[2:] or "".join(own[index + 1 : index + 2])
    return directory


def _failed(command: str, error: RelbuildError, as_json: bool, directory: str = ".") -> int:
    from relbuild import output

    output.show_error(command, error, as_json=as_json, directory=directory)
    return error.exit_code


def _unwritable(message: str) -> int:
    """Say that stdout takes no more, and keep what is still buffered from being written, and failing, at exit."""
    if message:
        sys.stderr.write(f"error: {message}\n")
    import contextlib

    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _fault(command: str, error: Exception, as_json: bool) -> int:
    if "RELBUILD_TRACEBACK" in os.environ:
        raise error
    return _failed(command, _bug(error), as_json)


def _bug(error: Exception) -> RelbuildError:
    from relbuild.errors import CommandFailed

    return CommandFailed(
        f"a fault in relbuild itself: {type(error).__name__}: {error}",
        hint="please report it with the output of the same command under RELBUILD_TRACEBACK=1",
    )


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    """End as on Ctrl-C, so that what runs is cancelled, with the exit code of the signal."""
    from relbuild.errors import Interrupted

    error = Interrupted("terminated")
    error.exit_code = 128 + number
    raise error


if __name__ == "__main__":
    main()
