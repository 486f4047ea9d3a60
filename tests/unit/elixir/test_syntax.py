"""Elixir's syntax: what it means where that is sure, and where it goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.elixir.syntax import MAX_BYTES, parse
from relbuild.elixir.values import Atom, TreePath
from relbuild.errors import Mark, Problem, ProjectError

Evaluate = Callable[..., object]

A = Atom

KNOWN = [
    ("nil", None),
    ("true", True),
    (":shop", A("shop")),
    (":a?", A("a?")),
    (":+", A("+")),
    (':"foo bar"', A("foo bar")),
    ("Shop.Repo", A("Elixir.Shop.Repo")),
    ("1_000", 1000),
    ("0x1F", 31),
    ("0b101", 5),
    ("0o17", 15),
    ("-3", -3),
    ("?a", 97),
    ("?\\n", 10),
    ("?é", 233),
    ("1.5e-3", 0.0015),
    ('"a\\n\\t\\s\\\\\\"\\e\\d\\0\\x41\\u00e9\\u{1F600}\\q"', 'a\n\t \\"\x1b\x7f\0Aé\U0001f600q'),
    ('"a\\\nb"', "ab"),
    ('"#{1}-#{:a}-#{nil}-#{"x#{"y"}"}-#{~c"c"}"', "1-a--xy-c"),
    ('"""\n  a\n    b #{1}\n  c\\\n  d\n  """', "a\n  b 1\ncd\n"),
    ("'abc'", [97, 98, 99]),
    ('~s(a "b" #{1 + 1} \\))', 'a "b" 2 )'),
    ("~S(a#{1}\\n)", "a#{1}\\n"),
    ("~c(ab)", [97, 98]),
    ("~w(lib  web)", ["lib", "web"]),
    ("~w(a b)a", [A("a"), A("b")]),
    ("~w(a\\sb c)", ["a", "b", "c"]),
    ("[1, [2], {}, {:a, b: 1}]", [1, [2], (), (A("a"), [(A("b"), 1)])]),
    ('[a: 1, "b c": 2, a: 3]', [(A("a"), 1), (A("b c"), 2), (A("a"), 3)]),
    ("[1 | [2, 3]]", [1, 2, 3]),
    ('%{:a => 1, "b" => [2]}', {"map": [(A("a"), 1), ("b", [2])]}),
    ("%{a: 1, b: 2}", {"map": [(A("a"), 1), (A("b"), 2)]}),
    ("(1; 2)", 2),
    ("-(3)", -3),
    ("not (true)", False),
    ('("a" <> "b") <> ("c")', "abc"),
    ("((1)) + ((2))", 3),
    ('"a" <> "b" <> "c"', "abc"),
    ("[1] ++ [2] -- [2]", [1]),
    ("[1, 2, 1, 3] -- [1, 1]", [2, 3]),
    ('" 1.2.3\\n" |> String.trim()', "1.2.3"),
    ('"1.2.3" |> String.split(".") |> hd() |> String.to_integer()', 1),
    ('String.split("a  b")', ["a", "b"]),
    ('String.split("a,b,,c", ",", trim: true)', ["a", "b", "c"]),
    ('String.split("a,b,c", ",", parts: 2)', ["a", "b,c"]),
    ('String.replace("1-2-3", "-", ".")', "1.2.3"),
    ('String.to_atom("a") |> to_string() |> String.upcase()', "A"),
    ('String.starts_with?("abc", ["x", "ab"])', True),
    ("Mix.env()", A("prod")),
    ("Mix.env", A("prod")),
    ("if Mix.env() == :prod, do: 1, else: 2", 1),
    ("if Mix.env() in [:dev, :test] do 1 end", None),
    ("unless Mix.env() == :test do 1 else 2 end", 1),
    ("case Mix.env() do :test -> 1; e when e in [:prod] -> {e, 2}; _ -> 3 end", (A("prod"), 2)),
    ('case "v1" do "v" <> rest -> rest end', "1"),
    ("case [1, 2, 3] do [a, b | rest] -> {b, a, rest} end", (2, 1, [3])),
    ("cond do Mix.env() == :dev -> 1; true -> 2 end", 2),
    ("if v = 1, do: v + 1", 2),
    ("unless v = nil, do: {v}", (None,)),
    ("cond do v = nil -> v; v = 2 -> v end", 2),
    ('System.get_env("MIX_ENV")', "prod"),
    ('System.get_env("MIX_ENV", "dev")', "prod"),
    ('System.get_env("MIX_TARGET") || "host"', "host"),
    ('System.get_env("MIX_TARGET", "host")', "host"),
    ('System.get_env("UNSET", "../../libs")', "../../libs"),
    ('System.get_env("UNSET") || "default"', "default"),
    ('System.get_env("SET", "no")', "yes"),
    ('System.fetch_env!("SET")', "yes"),
    ('System.fetch_env("SET")', (A("ok"), "yes")),
    ('case System.fetch_env("UNSET") do\n {:ok, v} -> v\n :error -> "1.0"\nend', "1.0"),
    ('if System.get_env("UNSET"), do: 1, else: 2', 2),
    ('case System.cmd("git", ["describe", "--tags"]) do\n {v, 0} -> v\n _ -> "0.0.0"\nend', "0.0.0"),
    ('{_, code} = System.shell("git rev-parse --short HEAD")\ncode', 128),
    ("Mix.target()", A("host")),
    (":os.type()", (A("unix"), A("linux"))),
    ("case :os.type() do {:win32, _} -> 1; _ -> 2 end", 2),
    ("with {:ok, a} <- {:ok, 1}, b = 2, do: a + b", 3),
    ("with {:ok, a} <- {:error, 1} do a else {:error, e} -> {e} end", (1,)),
    ("for {a, _} <- [a: 1, b: 2], a != :a, do: a", [A("b")]),
    ("x = 1\n{y, _} = {x + 1, 3}\n[x, y]", [1, 2]),
    ("x = 1\nx = x + 1\nx", 2),
    ("false || nil || 3", 3),
    ("not false and !nil", True),
    ("nil && raise(1)", None),
    ("Keyword.merge([a: 1, b: 2, a: 3], a: 4)", [(A("b"), 2), (A("a"), 4)]),
    ("Keyword.put([a: 1, b: 2], :b, 3)", [(A("b"), 3), (A("a"), 1)]),
    ("Keyword.get([a: 1], :b, 2)", 2),
    ("[a: [b: 1]][:a][:b]", 1),
    ("%{a: 1}.a", 1),
    ("Enum.map([1, 2], fn 1 -> :one; n -> n + 1 end)", [A("one"), 3]),
    ("Enum.map([1, 2], &(&1 * 2))", [2, 4]),
    ('Enum.map(["a "], &String.trim/1)', ["a"]),
    ("Enum.reject([1, 2, 3], & &1 == 2)", [1, 3]),
    ("Enum.join([1, :a], \"-\")", "1-a"),
    ("List.flatten([1, [2, [3]], []])", [1, 2, 3]),
    ("f = fn a, b -> a - b end\nf.(3, 1)", 2),
    ("__MODULE__", A("Elixir.M")),
    ('Path.join("a/", "/b")', "a/b"),
    ('Path.join(__DIR__, "../x")', TreePath("../x")),
    ('Path.expand("x/./y/../z")', TreePath("x/z")),
    ('"#{__DIR__}/deps"', TreePath("deps")),
    ('File.read!("VERSION") |> String.trim()', "1.2.3"),
    ('{:ok, v} = File.read(Path.join([__DIR__, "VERSION"]))\nv', "1.2.3\n"),
    ('File.exists?("VERSION")', True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), KNOWN)
def test_what_is_sure_is_known(evaluate: Evaluate, expression: str, value: object) -> None:
    found = evaluate(expression, files={"VERSION": "1.2.3\n"})
    assert (type(found), found) == (type(value), value)


UNKNOWN = [
    'System.get_env("V")',
    'System.get_env("HOME")',
    'System.get_env("HTTPS_PROXY")',
    'System.get_env("ERL_FLAGS", "")',
    "System.get_env()",
    'System.fetch_env!("UNSET")',
    'System.cmd("git", ["--version"])',
    'System.cmd("ls", ["-l"])',
    'System.shell("git describe || echo none")',
    ':os.cmd(~c"git describe")',
    'System.get_env("V") || "default"',
    'if System.get_env("V"), do: 1, else: 1',
    'case System.get_env("V") do nil -> 1; _ -> 2 end',
    'case System.get_env("V") do "a" -> 1; _ -> 1 end',
    'System.put_env("MIX_TARGET", "rpi")\nSystem.get_env("MIX_TARGET")',
    "Mix.env(:dev)\nMix.env()",
    "Mix.target(:rpi)\nMix.target()",
    "x = 1\nif x = foo(), do: x\nx",
    "x = 1\ny = x = 2\nx",
    "foo()",
    "foo",
    "foo.bar",
    "Foo.bar()",
    ":erlang.foo()",
    'File.read!("NONE")',
    'File.read!("BINARY")',
    'File.read!("../VERSION")',
    'File.read!("deps/VERSION")',
    'File.read!("/VERSION")',
    'File.exists?("NONE")',
    '"\\xff"',
    '"\\uD800"',
    '"#{foo()}"',
    '"x#{__DIR__}"',
    "<<1, 2>>",
    "%Foo{}",
    "%{%{a: 1} | a: 2}",
    "~r/a/",
    "~D[2020-01-01]",
    "~S(a\\)b)",
    "1..2",
    "1 == 1.0",
    "hd([])",
    "(x = 1) + x",
    "for x <- [1], into: %{}, do: {x, x}",
    "quote do 1 end",
    "recursive()",
    "default(1, 2, 3)",
    "guarded(foo())",
    "rescued()",
    "conditional()",
    "@unset",
    "@put",
    "@conditional",
    "@later",
    "9" * 5000,
    '"a" |> foo()',
    "try do 1 rescue _ -> 2 end",
    "receive do x -> x end",
    "1 / 2",
    "length([1 | foo()])",
    "hd(foo() ++ [1])",
    "1 in (foo() ++ [2])",
    "Enum.at([1 | foo()], -1)",
    "Mine.bar()",
]
MODULE = """
  alias Foo.String, as: Mine
  @put 1
  Module.put_attribute(__MODULE__, :put, 2)
  if true do
    @conditional 1
    def conditional, do: 1
  end
  def recursive, do: recursive()
  def default(a, b \\\\ 1), do: a + b
  def guarded(x) when is_binary(x), do: 1
  def guarded(_), do: 2
  def rescued do
    1
  rescue
    _ -> 2
  end
"""


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_is_not_sure_is_unknown(evaluate: Evaluate, anything: object, expression: str) -> None:
    files = {"VERSION": "1", "deps/VERSION": "1", "BINARY": b"\xff"}
    assert evaluate(expression, MODULE + "\n", files) == anything


def test_a_modules_variable_that_is_set_inside_an_expression_is_unknown(evaluate: Evaluate, anything: object) -> None:
    assert evaluate("@b", "a = 1\nif a = 2, do: a\n@b a") == anything
    assert evaluate("@b", "a = 1\nc = a = 2\n@b {a, c}") == (anything, anything)
    assert evaluate("@b", "a = 1\nif a == 2, do: a\n@b a") == 1


def test_what_the_file_would_set_elsewhere_is_known(evaluate: Evaluate) -> None:
    assert evaluate("if Mix.env() in [:unit], do: Mix.env(:test)\nMix.env()") == A("prod")
    assert evaluate("x = 1\ny = if x == 1, do: x + 1\n{x, y}") == (1, 2)


def test_unknown_parts_leave_the_rest_known(evaluate: Evaluate, anything: object) -> None:
    assert evaluate("[a: 1, b: foo()] ++ foo() ++ [c: 2]") == [(A("a"), 1), (A("b"), anything), anything, (A("c"), 2)]
    assert evaluate("Keyword.get([a: 1] ++ foo(), :a)") == 1
    assert evaluate("Keyword.get(foo() ++ [a: 1], :a)") == anything
    assert evaluate("Keyword.merge([a: 1], foo())[:a]") == anything
    assert evaluate("Keyword.merge(foo(), a: 1)[:a]") == 1
    assert evaluate("Keyword.merge([a: 1], [b: foo(), a: 2])[:a]") == 2


FUNCTIONS = """
  @a 1
  def before, do: @a
  @a 2
  def later, do: @a
  name = "x"
  @b name <> "y"
  def b, do: @b
  def env(:test), do: 1
  def env(e) when e in [:dev, :prod], do: {2, e}
  def env(_), do: 3
  def default(a, b \\\\ 2, c \\\\ 3), do: [a, b, c]
  defp head(a, b \\\\ nil)
  defp head(a, nil), do: a
  defp head(a, b), do: a + b
  def pair({:ok, x}, [y | _]), do: {x, y}
  def same(x, x), do: true
  def same(_, _), do: false
  defmodule Inner do
    @a 9
    def nine, do: @a
  end
  alias Foo.{Bar, Baz}
  alias Foo.Long, as: L
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("before()", 1),
        ("later()", 2),
        ("later", 2),
        ("b()", "xy"),
        ("env(Mix.env())", (2, A("prod"))),
        ("env(:other)", 3),
        ("default(1)", [1, 2, 3]),
        ("default(1, 5)", [1, 5, 3]),
        ("default(1, 5, 6)", [1, 5, 6]),
        ("head(1)", 1),
        ("head(1, 2)", 3),
        ("pair({:ok, 1}, [2, 3])", (1, 2)),
        ("{same(1, 1), same(1, 2)}", (True, False)),
        ("1 |> head(2)", 3),
        ("__MODULE__.later()", 2),
        ("Inner.nine()", 9),
        ("M.Inner.nine()", 9),
        ("Enum.map([1], &head/1)", [1]),
        ("[Bar, Baz.Qux, L]", [A("Elixir.Foo.Bar"), A("Elixir.Foo.Baz.Qux"), A("Elixir.Foo.Long")]),
    ],
)
def test_functions_and_attributes_of_the_file(evaluate: Evaluate, expression: str, value: object) -> None:
    assert evaluate(expression, FUNCTIONS) == value


@pytest.mark.parametrize(
    "expression",
    [
        "[" * 5000 + "]" * 5000,
        "not " * 5000 + "true",
        '"a" <> ' * 5000 + '"b"',
        '"a"' + " |> String.trim()" * 5000,
        '"#{' * 500 + "1" + '}"' * 500,
        "f(1)",
        "@big",
    ],
)
def test_deep_and_huge_values_end(evaluate: Evaluate, expression: str) -> None:
    doubled = '@big "x"\n' + "@big @big <> @big\n" * 60
    evaluate(expression, doubled + "def f(x), do: [f(x), f(x)]\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[a: 1", ("mix.exs: syntax error: missing `]`", 1, 6)),
        (b"defmodule A do\n  x = \xc3\xa9)\nend", ("mix.exs: syntax error", 2, 8)),
        (b'\xef\xbb\xbfx = "\xc3\xa9" \0', ("mix.exs: has a NUL byte", 1, 9)),
        (b"x\r\n\t\xff", ("mix.exs: is not UTF-8", 2, 2)),
    ],
)
def test_what_is_no_elixir_is_told_with_its_place(content: bytes, problem: tuple[str, int, int]) -> None:
    with pytest.raises(ProjectError) as error:
        parse("mix.exs", content)
    message, line, column = problem
    [found] = error.value.problems
    assert found == Problem(message, Mark("mix.exs", line, column), found.hint)
    assert found.hint


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(ProjectError, match="larger than"):
        parse("mix.exs", b"#" * (MAX_BYTES + 1))


def test_a_byte_order_mark_and_windows_line_ends_are_taken() -> None:
    source = parse("mix.exs", "\ufeff[\r\n  é: :b]\r\n".encode())
    value = source.root.named_children[0]
    assert source.mark(value) == Mark("mix.exs", 1, 1)
    assert source.mark(value.named_children[0].named_children[0].named_children[1]) == Mark("mix.exs", 2, 6)


@pytest.mark.parametrize("text", ['[cookie: "secret"] |> foo()', '"https://me:secret@example.com" |> foo()'])
def test_a_secret_is_not_quoted(text: str) -> None:
    source = parse("mix.exs", text.encode())
    assert source.excerpt(source.root.named_children[0]) == "… (binary operator)"


ATOMS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in ("nil", "true", "false")
)
TERMS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))
    | ATOMS.map(Atom),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


def written(value: object) -> str:
    """Return Elixir's source of a value."""
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"' + "".join(_character(char) for char in value) + '"'
    if isinstance(value, Atom):
        return f":{written(value.name)}"
    if isinstance(value, float):
        return repr(value) if "e" not in repr(value) else f"{value:.17e}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"{{{', '.join(map(written, value))}}}"
    return str(value)


def _character(char: str) -> str:
    if char in '"\\#':
        return f"\\{char}"
    return char if char.isprintable() or char == "\n" else f"\\u{{{ord(char):x}}}"


@given(TERMS)
def test_a_literal_is_its_value(evaluate: Evaluate, value: object) -> None:
    assert evaluate(f"x = {written(value)}\nx") == value


@given(st.lists(st.tuples(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), st.integers(0, 9)), max_size=6))
def test_keywords_keep_order_and_duplicates(evaluate: Evaluate, pairs: list[tuple[str, int]]) -> None:
    source = ", ".join(f"{key}: {value}" for key, value in pairs)
    names = {"nil": None, "true": True, "false": False}
    assert evaluate(f"[{source}]") == [(names.get(key, Atom(key)), value) for key, value in pairs]
