"""What an Elixir file defines: its modules with their functions and attributes, and the names it gives to others."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from relbuild.elixir.patterns import variables
from relbuild.elixir.syntax import (
    Source,
    arguments,
    body,
    callee,
    calls_of,
    child,
    module_name,
    operand,
    operands,
    operator,
    parts,
    walk,
)
from relbuild.elixir.values import Term


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a function: its parameters, its guard and its expressions (None for a head without them)."""

    node: Node
    name: str
    parameters: tuple[Node, ...]
    guard: Node | None
    expressions: tuple[Node, ...] | None
    public: bool

    @property
    def defaults(self) -> int:
        """How many parameters have a default."""
        return sum(default_of(parameter) is not None for parameter in self.parameters)

    @property
    def arities(self) -> range:
        """The numbers of arguments it can be called with."""
        return range(len(self.parameters) - self.defaults, len(self.parameters) + 1)


@dataclass(slots=True)
class Module:
    """A module of a file: what stands directly in its body, and what is defined where it can't be read."""

    name: str
    node: Node
    outer: Module | None
    statements: list[Node]
    clauses: list[Clause] = field(default_factory=list)
    attributes: dict[str, list[Node]] = field(default_factory=dict)
    # Names that something other than a plain definition in the body (a macro, an `if`) also defines.
    hidden_functions: set[str] = field(default_factory=set)
    hidden_attributes: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: its module, and a function's variables (None in a module's body)."""

    module: Module | None
    bindings: dict[str, Term] | None = None

    def having(self, bindings: dict[str, Term]) -> Scope:
        """Return the scope with these variables on top of its own."""
        return Scope(self.module, {**(self.bindings or {}), **bindings})


def modules(source: Source) -> list[Module]:
    """Return the file's modules in the order in which they are complete, inner ones first."""
    found: list[Module] = []
    pending: list[tuple[Node, Module | None]] = [(node, None) for node in reversed(parts(source.root))]
    while pending:
        node, outer = pending.pop()
        name = module_name(node)
        if name is None:
            continue
        statements = body(source, node) or []
        full = f"{outer.name}.{name}" if outer is not None else name
        module = Module(full, node, outer, statements)
        _read_body(source, module)
        found.append(module)
        pending.extend((inner, module) for inner in reversed(statements))
    return sorted(found, key=lambda module: module.node.end_byte)


def _read_body(source: Source, module: Module) -> None:
    for node in module.statements:
        clause = clause_of(source, node)
        attribute = attribute_of(node)
        if clause is not None:
            module.clauses.append(clause)
        elif attribute is not None:
            module.attributes.setdefault(attribute, []).append(node)
        elif callee(node) == "defoverridable":
            # The definitions after it replace those before it.
            module.hidden_functions.add("*")
        elif callee(node) == "use":
            module.uses.update(source.text(argument) for argument in arguments(node)[:1])
        elif module_name(node) is None:
            _read_hidden(source, module, node)


def _read_hidden(source: Source, module: Module, statement: Node) -> None:
    for node in walk(statement):
        clause = clause_of(source, node)
        if clause is not None:
            module.hidden_functions.add(clause.name)
        elif (name := callee(node)) in ("def", "defp", "defmacro", "defmacrop", "defdelegate", "defguard", "defguardp"):
            head = _head(arguments(node)[0])[0] if name and arguments(node) else None
            module.hidden_functions.add(head.name if isinstance(head, _Head) else "*")
        elif (attribute := attribute_of(node)) is not None:
            module.hidden_attributes.add(attribute)
        elif node.type == "call" and _text_of_target(source, node) in _ATTRIBUTE_CALLS:
            written = arguments(node)
            plain = len(written) > 1 and written[1].type == "atom"
            module.hidden_attributes.add(source.text(written[1])[1:] if plain else "*")


_ATTRIBUTE_CALLS = {"Module.put_attribute", "Module.register_attribute", "Module.delete_attribute"}


def _text_of_target(source: Source, node: Node) -> str:
    target = node.child_by_field_name("target")
    return source.text(target) if target is not None else ""


@dataclass(frozen=True, slots=True)
class _Head:
    name: str
    parameters: tuple[Node, ...]


def clause_of(source: Source, node: Node) -> Clause | None:
    """Return the clause of a `def` or `defp`; None for other nodes and for computed names."""
    keyword = callee(node)
    written = arguments(node) if keyword in ("def", "defp") else []
    if not written:
        return None
    head, guard = _head(written[0])
    if head is None:
        return None
    has_body = child(node, "do_block") is not None or len(written) > 1
    expressions = body(source, node) if has_body else None
    block = child(node, "do_block")
    if block is not None and any(part.type.endswith("_block") for part in parts(block)):
        # With rescue, catch, after or else the last expression isn't all there is to it.
        expressions = [block]
    plain = tuple(expressions) if expressions is not None else None
    return Clause(node, head.name, head.parameters, guard, plain, keyword == "def")


def _head(node: Node) -> tuple[_Head | None, Node | None]:
    guard = None
    if node.type == "binary_operator" and operator(node) == "when":
        node, guard = operands(node)
    if node.type == "identifier":
        return _Head(node.text.decode() if node.text else "", ()), guard
    name = callee(node)
    if name is None or name == "unquote":
        return None, guard
    return _Head(name, tuple(arguments(node))), guard


def default_of(parameter: Node) -> Node | None:
    r"""Return the default of a parameter, written with `\\`; None when it has none."""
    if parameter.type == "binary_operator" and operator(parameter) == "\\\\":
        return operands(parameter)[1]
    return None


def attribute_of(node: Node) -> str | None:
    """Return the name of the module attribute that the node sets; None for other nodes, also for reading one."""
    if node.type != "unary_operator" or operator(node) != "@":
        return None
    inner = operand(node)
    return callee(inner) if inner is not None and arguments(inner) else None


def attribute_value(node: Node) -> Node | None:
    """Return the expression that an attribute is set to."""
    inner = operand(node)
    written = arguments(inner) if inner is not None else []
    return written[0] if len(written) == 1 else None


def aliases(source: Source, defined: list[Module]) -> dict[str, str | None]:
    """Return what the file's short module names stand for; None for one that can't be told."""
    found: dict[str, str | None] = {}

    def add(short: str, full: str | None) -> None:
        found[short] = full if found.get(short, full) == full else None

    for module in defined:
        if module.outer is not None:
            add(module.name.rpartition(".")[2], module.name)
    for node in calls_of(source.root, "alias", "require", "import"):
        written = arguments(node)
        renamed = len(written) > 1 and written[1].type == "keywords"
        for name in _names(source, written[0]) if written else []:
            if renamed:
                for pair in parts(written[1]):
                    value = pair.child_by_field_name("value")
                    if value is not None and value.type == "alias":
                        add(source.text(value), name)
            elif callee(node) == "alias" and name is not None:
                add(name.rpartition(".")[2], name)
            elif callee(node) == "alias":
                add("*", None)
    return found


def _names(source: Source, node: Node) -> list[str | None]:
    if node.type == "alias":
        return [source.text(node)]
    if node.type != "dot":
        return [None]
    left, right = operands(node)
    if left.type != "alias" or right.type != "tuple":
        return [None]
    return [f"{source.text(left)}.{source.text(inner)}" for inner in parts(right)]


def callable_with(module: Module, function: str, arguments_given: int) -> Node | None:
    """Return where the module defines a public function that takes that many arguments; None when it doesn't."""
    for clause in module.clauses:
        if clause.public and clause.name == function and arguments_given in clause.arities:
            return clause.node
    for node in module.statements:
        head, _ = _head(arguments(node)[0]) if callee(node) == "defdelegate" and arguments(node) else (None, None)
        if head is not None and head.name == function and len(head.parameters) == arguments_given:
            return node
    return None


def bound_names(source: Source) -> frozenset[str]:
    """Return every name that is a variable somewhere in the file, and so may hide a function where it stands bare."""
    found: set[str] = set()
    for node in walk(source.root):
        if node.type == "binary_operator" and operator(node) in ("=", "<-"):
            found.update(variables(operands(node)[0]))
        elif node.type == "stab_clause" and (head := node.child_by_field_name("left")) is not None:
            found.update(variables(head))
        elif (clause := clause_of(source, node)) is not None:
            found.update(name for parameter in clause.parameters for name in variables(parameter))
    return frozenset(found)
