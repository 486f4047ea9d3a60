"""What is written into a Dockerfile says what was meant."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from relbuild import templates


def read_env_value(quoted: str) -> str:
    """Read a double-quoted value as BuildKit's parser does: a backslash takes ``"``, ``\\`` and ``$`` literally."""
    assert quoted[0] == quoted[-1] == '"'
    value, rest = "", list(quoted[1:-1])
    while rest:
        character = rest.pop(0)
        if character == "\\" and rest and rest[0] in '"\\$':
            character = rest.pop(0)
        else:
            assert character not in '"$', "ends the value, or expands a variable"
        value += character
    return value


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n\r\0")))
def test_a_quoted_value_is_read_back(value: str) -> None:
    assert read_env_value(templates.quoted(value)) == value


@given(
    st.recursive(
        st.text(), lambda inner: st.lists(st.dictionaries(st.text(max_size=3), inner, max_size=3)), max_leaves=9
    )
)
def test_json_in_a_label_is_read_back(data: object) -> None:
    value = json.dumps({"a": data}, separators=(",", ":")).replace("'", "\\u0027")
    written = templates.label(value)
    # BuildKit joins lines that end with a backslash first; it takes one that begins with # for a comment.
    assert not any(line.startswith("#") for line in written.split("\n"))
    assert written.replace("\\\n", "") == f"'{value}'"
    assert json.loads(value) == {"a": data}


def test_other_labels_stand_in_double_quotes() -> None:
    assert [templates.label(value) for value in ("shop", '{"it\'s"}')] == ['"shop"', '"{\\"it\'s\\"}"']


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",)))))
def test_the_exec_form_is_json(argv: list[str]) -> None:
    assert json.loads(templates.exec_form(tuple(argv))) == argv


def test_copy_of_plain_names() -> None:
    assert templates.copied(("mix.exs", "mix.lock"), "./") == "mix.exs mix.lock ./"


def test_copy_of_names_with_spaces_takes_the_json_form() -> None:
    assert templates.copied(("my docs/",), "my docs/") == '["my docs/", "my docs/"]'


def test_copy_takes_wildcards_and_variables_literally() -> None:
    assert templates.copied(("a*b", "c[d", "$e", "it's", '"q"', "-x", "<<E"), "./") == (
        'a[*]b c[[]d \\$e it\\\'s \\"q\\" ./-x ./<<E ./'
    )


def test_what_dockerfile_would_bend_goes_into_a_heredoc() -> None:
    assert templates.run("mix compile") == "RUN mix compile"
    for command in ("[ -f x ]", " -x", "cat <<EOF", "a\nb", "a\\"):
        assert templates.run(command) == f"RUN <<'STEP'\nset -e\n{command}\nSTEP\n"


def test_the_templates_of_a_checkout_are_the_top_level_ones() -> None:
    assert (templates.DIRECTORY / "Dockerfile.j2").is_file()
