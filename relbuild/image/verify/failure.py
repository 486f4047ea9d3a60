"""Why a release did not start, read from its output, and the variables that the failing line depends on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from relbuild.release import terms
from relbuild.release.terms import Atom, NotATerm, decoded

# undefined: a function or module that the release doesn't have. file: one that isn't there. syntax: runtime.exs doesn't
# compile. compiled value: config at boot differs from what was compiled. node: the node's name or its host's.
Kind = Literal["undefined", "file", "syntax", "compiled value", "cookie", "read-only", "node", "other"]

# What docker reports of a container that it can't start, and what runc prints in one whose program can't run.
DOCKER = re.compile(
    r"docker: (?:Error response from daemon: )?(?:.*unable to start container process: )?"
    r"(?P<reason>.+?)(?:: unknown)?\.?"
)
RUNC = re.compile(r"exec /\S+: (?:no such file or directory|permission denied)")
# Lines that say nothing of the reason: a report's heading, os_mon's remarks, where a dump is, an exit of OTP's own.
CHATTER = re.compile(r"^=[A-Z ]+ REPORT=+|\[os_mon\]|crash dump|erl_crash\.dump|^\{exit,terminating,", re.IGNORECASE)
# How a VM ends that can't boot (erl_init.c, init.erl). Its first letter may be torn off by another line.
TERMINATING = re.compile(r"(?:erminating during boot|Kernel pid terminated) (?:\(\w+\) )?\((?P<term>.+)\)\s*$")
# Processes, ports, references and functions, which have no syntax as terms.
OPAQUE = re.compile(r"#(?:Fun|Ref|Port)<[^<>]*>|<\d+\.\d+\.\d+>")
EXCEPTION = re.compile(r"(?P<indent>[^\S\n]*).*?(?P<said>\*\* \((?P<name>(?!EXIT\))[\w.]+)\).*)")
EXIT = re.compile(r"\*\* \(EXIT\).*[^:]$")
# A frame of a stack trace as Elixir formats it: (shop 0.1.0) lib/app.ex:5: Shop.start/2.
FRAME = re.compile(r"\s+(?:\([\w]+ [^)\s]+\) )?\S+:\d+: \S|\s+\([\w]+ [^)\s]+\) \S|\s+[\w.:]+\(.*\)$")
RUNTIME_LINE = re.compile(r'(?:runtime|releases)\.exs(?:"\},\{line,|:)(?P<line>\d+)')
# A frame in a module of lib/, as Elixir and as OTP write it.
SOURCE_LINE = re.compile(r'(?P<file>\blib/[\w./-]+\.exs?)(?:\\?"\},\{line,|:)(?P<line>\d+)')
FILE_ERROR = re.compile(r"\b(?:erofs|eacces|eperm)\b|read-only file system|permission denied", re.IGNORECASE)
ERROR = re.compile(r"error|cannot|not found|not set", re.IGNORECASE)
# A configuration that doesn't compile; from Elixir 1.15 on the compiler logs why, and where, apart from the exception.
COMPILED = re.compile(
    r"\*\* \((?:CompileError|SyntaxError|TokenMissingError|MismatchedDelimiterError)\)"
    r" (?:.+ on )?(?P<file>\S*(?:runtime|releases)\.exs)(?P<line>:\d+)?[\d:]*: ?(?P<said>.*)"
)
LOGGED = re.compile(r"^ *error: (?P<said>.+)(?:\n(?:.*\n)*? *└─ (?P<place>\S+))?", re.MULTILINE)
# What Config.Provider prints where a value that Application.compile_env read differs at boot.
DIFFERS = re.compile(r"ERROR! (the application .+? compared to compile time)")
VALUES = re.compile(r"\* (Compile time value .+)\s+\* (Runtime value .+)")
# How File.Error, Code.LoadError and shells name a file that isn't there.
NO_FILE = re.compile(
    r"""could not load (?P<loaded>\S+)\. Reason: enoent|could not .*?"(?P<named>[^"]+)": no such file or directory"""
    r"""|(?P<opened>/\S+): (?:No such file or directory|enoent)"""
)
UNDEFINED = re.compile(
    r"UndefinedFunctionError|function \S+/\d+ is undefined|The module \S+ was given as a child to a supervisor\s+but it"
    r" does not exist"
)
COOKIE = re.compile(r"/\.erlang\.cookie|releases/COOKIE'?: No such file")
READ_ONLY = re.compile(r"read-only file system|\berofs\b", re.IGNORECASE)
NODE = re.compile(r"Can't set (?:long|short) node name|nvalid node name|net_kernel|nodistribution|Hostname .* illegal")
# Longer lines (characters) are terms, of which the beginning has to do.
LONGEST = 300
LONGEST_MESSAGE = 1000
# What Elixir calls an Erlang error, and how it formats it (lib/elixir/lib/exception.ex).
ERRORS: Mapping[str, tuple[str, str]] = {
    "badmatch": ("MatchError", "no match of right hand side value: {}"),
    "case_clause": ("CaseClauseError", "no case clause matching: {}"),
    "try_clause": ("TryClauseError", "no try clause matching: {}"),
    "with_clause": ("WithClauseError", "no with clause matching: {}"),
    "badmap": ("BadMapError", "expected a map, got: {}"),
    "badkey": ("KeyError", "key {} not found"),
    "undef": ("UndefinedFunctionError", "function {} is undefined"),
    "function_clause": ("FunctionClauseError", "no function clause matching in {}"),
    "badarg": ("ArgumentError", "argument error in {}"),
    "badarith": ("ArithmeticError", "bad argument in arithmetic expression in {}"),
}


@dataclass(frozen=True, slots=True)
class BootFailure:
    """Why a VM ended. ``message`` may have several lines.

    ``line`` is that of the runtime configuration which was evaluated, None where something else failed; ``path`` the
    file that isn't there; ``refused`` says that docker couldn't start the container. ``places`` are
    the files and lines of its stack traces.
    """

    message: str
    kind: Kind = "other"
    line: int | None = None
    path: str = ""
    refused: bool = False
    places: tuple[tuple[str, int], ...] = field(default=(), compare=False)


def read_failure(output: str) -> BootFailure:
    """Return why the VM ended that printed this; the message is empty where it printed nothing."""
    text = decoded(output)
    exception = _exception(text)
    # Its text may be cut off: the term with which the VM ended has it, too.
    syntax = uncompiled(text) or uncompiled(f"{exception}\n{text}")
    message = refusal(text) or syntax or differing(text) or exception or _line(text)
    message = "\n".join(line[:LONGEST].rstrip() for line in message.strip().splitlines())[:LONGEST_MESSAGE]
    missing = NO_FILE.search(message)
    kind: Kind = "other"
    if syntax:
        kind = "syntax"
    elif differing(text):
        kind = "compiled value"
    elif COOKIE.search(message):
        kind = "cookie"
    elif READ_ONLY.search(message):
        kind = "read-only"
    elif UNDEFINED.search(message):
        kind = "undefined"
    elif missing:
        kind = "file"
    elif NODE.search(text):
        kind = "node"
    line = RUNTIME_LINE.search(text)
    path = next(filter(None, missing.groups()), "") if missing else ""
    places = tuple(dict.fromkeys((each["file"], int(each["line"])) for each in SOURCE_LINE.finditer(text)))
    number = int(line["line"]) if line else None
    return BootFailure(message, kind, number, path, refused=bool(refusal(text)), places=places)


def refusal(output: str) -> str:
    """Return why docker couldn't start a container; empty where it reports nothing."""
    for each in (line.strip() for line in output.splitlines()):
        if reported := DOCKER.fullmatch(each):
            return f"docker: {reported['reason']}"
        if RUNC.fullmatch(each):
            return each
    return ""


def uncompiled(output: str) -> str:
    """Return why the release's configuration doesn't compile, with its place; empty where it does."""
    failed = COMPILED.search(output)
    if failed is None:
        return ""
    place, said = f"{failed['file']}{failed['line'] or ''}", failed["said"]
    logged = None if failed["line"] and said else LOGGED.search(output)
    return f"{logged['place'] or place}: {logged['said']}" if logged else f"{place}: {said}"


def differing(output: str) -> str:
    """Return which value differs from the one that was compiled; empty where none does."""
    if found := DIFFERS.search(output):
        values = VALUES.search(output)
        return f"{found[1]}\n{values[1]}\n{values[2]}" if values else found[1]
    # Config.Provider ends with this error alone, where its explanation is cut off.
    return "a configuration value differs from compile time" if '{<<"aborting boot">>' in output else ""


def exceptions(output: str) -> Iterator[tuple[str, str]]:
    """Yield each exception that Elixir has formatted: its name, and ``** (NAME)`` with its message, all its lines."""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        found = EXCEPTION.match(line)
        if found is None:
            continue
        message = [found["said"]]
        for following in lines[number + 1 :]:
            if FRAME.match(following) or EXCEPTION.match(following) or TERMINATING.search(following):
                break
            message.append(following)
            if len(message) > LONGEST:
                break
        yield found["name"], "\n".join(message).strip()


def _exception(text: str) -> str:
    """Return the exception that ended the VM, as Elixir formats it."""
    formatted = list(exceptions(text))
    crashed = next((crash for line in text.splitlines() if (crash := _crash(line)) is not None), None)
    if crashed is None:
        return formatted[0][1] if formatted else ""
    same = next((message for name, message in formatted if name == crashed.name), None)
    if crashed.exact or (same is None and (crashed.name or not formatted)):
        return crashed.message
    message = same or formatted[0][1]
    return f"{crashed.children}{message}"


@dataclass(frozen=True, slots=True)
class _Crash:
    """The reason in the term with which a VM ended; ``exact`` where it holds the exception's own message."""

    name: str
    message: str
    children: str = ""
    exact: bool = False


def _crash(line: str) -> _Crash | None:
    found = TERMINATING.search(line)
    if found is None:
        return None
    term = _parsed(found["term"])
    if isinstance(term, str):  # of an application it is a string that holds the term
        term = _parsed(term)
    if term is None:
        return None
    children: list[str] = []
    frames: list[Any] = []
    while True:
        match term:
            case (Atom("application_start_failure" | "application_terminated"), _, reason):
                term = reason
            case (Atom("bad_return"), (_, value)):
                term = value
            case (Atom("shutdown" | "EXIT"), reason):
                term = reason
            case (Atom("failed_to_start_child"), child, reason):
                children.append(f"{inspect_term(child)} doesn't start: ")
                term = reason
            case (reason, (Atom(), Atom("start"), [*_])):
                term = reason
            case (reason, [(Atom(), Atom() | int(), _, [*_]), *_] as stack):
                term, frames = reason, stack
            case (reason, []):
                term = reason
            case _:
                break
    prefix = "".join(children[-1:])
    name, message, exact = _said(term, frames)
    return _Crash(name, f"{prefix}{message}", prefix, exact)


def _said(reason: Any, frames: list[Any]) -> tuple[str, str, bool]:
    """Return an exception's name, how Elixir formats it, and whether that is exact."""
    if isinstance(reason, list) and reason and all(isinstance(each, tuple) and len(each) == 2 for each in reason):
        fields = {key.name: value for key, value in reason if isinstance(key, Atom)}
        if isinstance(kind := fields.pop("__struct__", None), Atom):
            return _struct(kind.name.removeprefix("Elixir."), fields)
    head, rest = (reason[0], reason[1:]) if isinstance(reason, tuple) and reason else (reason, ())
    if isinstance(head, Atom) and head.name in ERRORS:
        name, text = ERRORS[head.name]
        return name, f"** ({name}) {text.format(inspect_term(rest[0]) if rest else _function(frames))}", False
    # An exit's reason is all there is, unless it leads to what was logged before.
    return "", "" if reason in (Atom("shutdown"), Atom("normal")) else inspect_term(reason), False


def _struct(name: str, fields: dict[str, Any]) -> tuple[str, str, bool]:
    message = fields.get("message")
    if isinstance(message, bytes):
        return name, f"** ({name}) {message.decode(errors='replace').strip()}", True
    match fields:
        case {"env": bytes(variable)}:
            said = f'could not fetch environment variable "{variable.decode()}" because it is not set'
        case {"action": bytes(action), "path": bytes(path), "reason": Atom(reason)}:
            why = {"enoent": "no such file or directory", "erofs": "read-only file system"}.get(reason, reason)
            said = f'could not {action.decode()} "{path.decode()}": {why}'
        case {"file": bytes(file), "line": int(line), "description": bytes(description)}:
            said = f"{file.decode()}{f':{line}' if line else ''}: {description.decode()}"
        case {"module": Atom() as module, "function": Atom(function), "arity": int(arity)}:
            said = f"function {inspect_term(module)}.{function}/{arity} is undefined"
        case {"key": key}:
            said = f"key {inspect_term(key)} not found"
        case {"term": term}:
            said = f"got: {inspect_term(term)}"
        case _:
            said = ", ".join(f"{key}: {inspect_term(value)}" for key, value in fields.items() if key != "__exception__")
    return name, f"** ({name}) {said}", False


def _function(frames: list[Any]) -> str:
    match frames:
        case [(Atom() as module, Atom(function), arguments, _), *_]:
            arity = len(arguments) if isinstance(arguments, list) else arguments
            return f"{inspect_term(module)}.{function}/{arity}"
    return "a function"


def _parsed(text: str) -> Any:
    try:
        return terms.parse(OPAQUE.sub("'...'", text) + ".")
    except NotATerm:
        return None


def inspect_term(term: Any) -> str:
    """Return a term as Elixir writes it."""
    match term:
        case Atom("nil" | "true" | "false" as name):
            return name
        case Atom(name):
            return name.removeprefix("Elixir.") if name.startswith("Elixir.") else f":{name}"
        case bytes():
            return f'"{term.decode(errors="replace")}"'
        case str():
            return f'~c"{term}"'
        case tuple():
            return f"{{{', '.join(map(inspect_term, term))}}}"
        case [*items]:
            return f"[{', '.join(map(inspect_term, items))}]"
    return str(term)


def _line(text: str) -> str:
    """Return the line that says most about why a program ended; empty where there is none."""
    lines = [stripped for each in text.splitlines() if (stripped := each.strip()) and not CHATTER.search(stripped)]
    for pattern, order in ((EXIT, lines[::-1]), (TERMINATING, lines), (FILE_ERROR, lines), (ERROR, lines)):
        found = next((each for each in order if pattern.search(each)), None)
        if found is not None:
            return found
    return lines[-1] if lines else ""


VARIABLE_READ = re.compile(r"""(?:System\.(?:get|fetch)_env!?|:os\.getenv)[\s(]*(?:~c)?["']([A-Za-z_]\w*)["']""")
# NAME = …, {:ok, NAME} = …, and the heads of functions.
BOUND = re.compile(r"\s*(?:\{:ok, *)?([a-z_]\w*[?!]?)\}? *=(?![=~>])|\s*defp? +([a-z_]\w*[?!]?)")
CLOSES = frozenset({"end", "else", ")", "]", "}", "])", "})"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A line with all that is indented deeper below it; of a block the head alone."""

    line: int
    indent: int
    text: str

    @property
    def is_block(self) -> bool:
        """Whether the statements that are indented deeper below it are its own."""
        return self.text.rstrip().endswith((" do", "->"))


def variables_at(text: str, line: int, names: Iterable[str] = ()) -> list[str]:
    """Return the variables on which a line of a file depends, through the blocks around it and the names it uses.

    They are those that Elixir's own functions read, and the given names wherever they are in quotes.
    """
    statements = list(_statements(text))
    at = next((i for i in reversed(range(len(statements))) if statements[i].line <= line), None)
    if at is None:
        return []
    todo = [statements[at], *_around(statements, at)]
    seen = set(todo)
    found: dict[str, None] = {}
    while todo:
        statement = todo.pop()
        known = (name for name in names if f'"{name}"' in statement.text)
        found.update(dict.fromkeys((*VARIABLE_READ.findall(statement.text), *known)))
        for i, other in enumerate(statements):
            bound = BOUND.match(other.text)
            name = bound and (bound[1] or bound[2])
            if name and other not in seen and re.search(rf"(?<![.:\w]){re.escape(name)}(?!:|\w)", statement.text):
                new = [other, *_inside(statements, i)]
                todo += (each for each in new if each not in seen)
                seen.update(new)
    return list(found)


def _around(statements: list[Statement], at: int) -> Iterator[Statement]:
    """Yield the heads of the blocks that a statement is in."""
    indent = statements[at].indent
    for statement in reversed(statements[:at]):
        if statement.indent < indent:
            indent = statement.indent
            if statement.is_block:
                yield statement


def _inside(statements: list[Statement], at: int) -> Iterator[Statement]:
    """Yield the statements of a block."""
    if statements[at].is_block:
        for statement in statements[at + 1 :]:
            if statement.indent <= statements[at].indent:
                return
            yield statement


def _statements(text: str) -> Iterator[Statement]:
    current: Statement | None = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.strip() in CLOSES:
            continue
        if current is not None and indent > current.indent and not current.is_block:
            current = Statement(current.line, current.indent, f"{current.text}\n{line}")
            continue
        if current is not None:
            yield current
        current = Statement(number, indent, line)
    if current is not None:
        yield current
