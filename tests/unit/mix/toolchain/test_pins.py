import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import Mark, ProjectError
from relbuild.mix.toolchain.pins import Pin, Pins, elixir_pin, otp_pin, read_pins
from relbuild.mix.toolchain.version_files import MISE_FILES

FILES = (".tool-versions", *MISE_FILES, ".elixir-version", ".erlang-version", "elixir_buildpack.config")


class Files:
    """A tree of a few files."""

    def __init__(self, files: dict[str, str | bytes]) -> None:
        self.files = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def pin(text: str, file: str, line: int, column: int, **parts: str | int) -> Pin:
    return Pin(text, f"{file}:{line}", Mark(file, line, column), **parts)  # type: ignore[arg-type]


AT = Mark("f", 1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1.18.4", {"version": "1.18.4"}),
        ("v1.18.4", {"version": "1.18.4"}),
        ("1.18", {"version": "1.18"}),
        ("1", {"version": "1"}),
        ("1.18.4-otp-27", {"version": "1.18.4", "otp": 27}),
        ("1.18-otp-27", {"version": "1.18", "otp": 27}),
        ("1.19.0-rc.1-otp-28", {"version": "1.19.0-rc.1", "otp": 28}),
        ("latest", {"version": ""}),
        ("latest:1.18", {"version": "1.18"}),
        ("prefix:1.18", {"version": "1.18"}),
        ("main", {"ref": "main"}),
        ("master", {"ref": "main"}),
        ("main-otp-28", {"ref": "main", "otp": 28}),
        ("ref:4dfe8a0", {"ref": "4dfe8a0"}),
        ("ref:v1.18.4", {"version": "1.18.4"}),
        ("ref:v1.18", {"ref": "v1.18"}),
        ("branch:jv/x", {"ref": "jv/x"}),
        ("tag:v1.18.4", {"version": "1.18.4"}),
        ("system", {"passed": "no version is named"}),
        ("path:~/elixir", {"passed": "a directory of the machine it was written on"}),
        ("sub-1:latest", {"passed": "counted from whatever is the newest, which needs an index"}),
        ("{{env.ELIXIR}}", {"passed": "it is computed when it is read"}),
    ],
)
def test_what_an_elixir_version_asks_for(text: str, parts: dict[str, str | int]) -> None:
    assert elixir_pin(text, "f:1", AT) == Pin(text, "f:1", AT, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["1.18.x", "1.18.4-otp", "one", "ref:", "ref:--upload-pack=x", "ref:a b", "ref:a..b", "ref:$(x)", "1.2.3.4"]
)
def test_what_is_no_elixir_version(text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        elixir_pin(text, "f:1", AT)
    assert caught.value.problems[0].at == AT


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("27.3.4.2", {"version": "27.3.4.2"}),
        ("27", {"version": "27"}),
        ("OTP-27.3", {"version": "27.3"}),
        ("28.0-rc3", {"version": "28.0-rc3"}),
        ("latest", {"version": ""}),
        ("latest:27", {"version": "27"}),
        ("prefix:27", {"version": "27"}),
        ("ref:master", {"passed": "relbuild takes OTP from images, not from a git ref"}),
        ("maint-27", {"passed": "relbuild takes OTP from images, not from a git ref"}),
        ("system", {"passed": "no version is named"}),
    ],
)
def test_what_an_otp_version_asks_for(text: str, parts: dict[str, str | int]) -> None:
    assert otp_pin(text, "f:1", AT) == Pin(text, "f:1", AT, **parts)  # type: ignore[arg-type]


TOOLS = ".tool-versions"
PACK = "elixir_buildpack.config"

READ: list[tuple[dict[str, str | bytes], Pin | None, Pin | None]] = [
    ({}, None, None),
    (
        {TOOLS: "nodejs 20\n# elixir 1.2.3\n  elixir 1.18.4-otp-27 1.17.3 # first\nerlang\t27.3.4.2\nelixir 1.0.0\n"},
        pin("1.18.4-otp-27", TOOLS, 3, 10, version="1.18.4", otp=27),
        pin("27.3.4.2", TOOLS, 4, 8, version="27.3.4.2"),
    ),
    (
        {TOOLS: b"\xef\xbb\xbfelixir 1.18\r\nerlang 27\r\n"},
        pin("1.18", TOOLS, 1, 8, version="1.18"),
        pin("27", TOOLS, 2, 8, version="27"),
    ),
    (
        {"mise.toml": "[env]\nelixir = '9'\n[tools]\nelixir = '1.18.4'\nerlang = {version = '27'}\n"},
        pin("1.18.4", "mise.toml", 4, 1, version="1.18.4"),
        pin("27", "mise.toml", 5, 1, version="27"),
    ),
    (
        {".mise.toml": "[tools]\nelixir = ['1.18.4', '1.17']\n[tools.erlang]\nversion = 'prefix:27'\n"},
        pin("1.18.4", ".mise.toml", 2, 1, version="1.18.4"),
        pin("prefix:27", ".mise.toml", 3, 1, version="27"),
    ),
    (
        {"mise.toml": "tools.elixir = '1.18'\ntools.'core:erlang' = 'latest'\n"},
        pin("1.18", "mise.toml", 1, 1, version="1.18"),
        pin("latest", "mise.toml", 2, 1, version=""),
    ),
    (
        {".elixir-version": "\n# ours\nv1.18.4\n", ".erlang-version": "27.3"},
        pin("v1.18.4", ".elixir-version", 3, 1, version="1.18.4"),
        pin("27.3", ".erlang-version", 1, 1, version="27.3"),
    ),
    (
        {PACK: "# elixir_version=1\nelixir_version=1.2.0\nelixir_version=(branch main) #\nerlang_version='27.3' # x\n"},
        pin("branch:main", PACK, 3, 16, ref="main"),
        pin("27.3", PACK, 4, 16, version="27.3"),
    ),
    (
        {PACK: 'export elixir_version="v1.18.4"; always_rebuild=true\nerlang_version=27\nhook_pre_compile="x=1"\n'},
        pin("v1.18.4", PACK, 1, 23, version="1.18.4"),
        pin("27", PACK, 2, 16, version="27"),
    ),
    ({PACK: "elixir_version=1.18\nelixir_version=\nerlang_version= 27\n"}, None, None),
    (
        {TOOLS: "elixir 1.18.4\n", "mise.toml": "[tools]\nelixir='1.17'\nerlang='26'\n", ".erlang-version": "25"},
        pin("1.18.4", TOOLS, 1, 8, version="1.18.4"),
        pin("26", "mise.toml", 3, 1, version="26"),
    ),
]


@pytest.mark.parametrize(("files", "elixir", "otp"), READ)
def test_the_first_file_that_says_something_counts(
    files: dict[str, str | bytes], elixir: Pin | None, otp: Pin | None
) -> None:
    assert read_pins(Files(files)) == Pins(elixir, otp, ())


def test_an_entry_without_a_version_is_passed_over_and_told() -> None:
    files = {TOOLS: "elixir system\nerlang sub-1:latest\n", ".elixir-version": "1.18.4", PACK: "erlang_version=$OTP\n"}
    assert read_pins(Files(dict(files))) == Pins(
        pin("1.18.4", ".elixir-version", 1, 1, version="1.18.4"),
        None,
        (
            ".tool-versions:1 says system: no version is named",
            ".tool-versions:2 says sub-1:latest: counted from whatever is the newest, which needs an index",
            "elixir_buildpack.config:1 says $OTP: it is computed when it is read",
        ),
    )


@pytest.mark.parametrize(
    ("files", "message", "at"),
    [
        ({TOOLS: "elixir\n"}, ".tool-versions: no version after elixir", Mark(TOOLS, 1)),
        ({TOOLS: "erlang 27\nelixir one\n"}, ".tool-versions: 'one' is no version of Elixir", Mark(TOOLS, 2, 8)),
        ({TOOLS: "erlang x\n"}, ".tool-versions: 'x' is no version of OTP", Mark(TOOLS, 1, 8)),
        ({TOOLS: b"# \xc3\xa4\n# \xc3\xa4\xff\n"}, ".tool-versions: is not UTF-8", Mark(TOOLS, 2, 4)),
        ({"mise.toml": "[tools]\nelixir = 1.18\n"}, "mise.toml: the version is no string", Mark("mise.toml", 2)),
        ({"mise.toml": "[tools]\nelixir = [\n"}, "mise.toml: not TOML: Invalid value", Mark("mise.toml", 3, 1)),
        ({PACK: "elixir_version='1.18\n"}, f"{PACK}: no closing quotation", Mark(PACK, 1, 16)),
    ],
)
def test_what_can_not_be_understood_is_said_with_its_place(
    files: dict[str, str | bytes], message: str, at: Mark
) -> None:
    with pytest.raises(ProjectError) as caught:
        read_pins(Files(files))
    assert caught.value.problems[0].at is not None
    assert caught.value.problems[0].at.file == at.file
    assert str(caught.value).startswith(message)
    if "not TOML" not in message:
        assert caught.value.problems[0].at == at


def test_what_mends_a_version_that_is_no_string_names_the_tool() -> None:
    with pytest.raises(ProjectError) as caught:
        read_pins(Files({"mise.toml": "[tools]\nerlang = 27\n"}))
    assert [problem.hint for problem in caught.value.problems] == ['write it in quotes: erlang = "VERSION"']


lines = st.text(alphabet="elixirang_vso=27.184-otp:#()[]{}'\"\n\r\t $\\é\x00\x0c", max_size=60)
versions = st.lists(
    st.sampled_from(
        [
            "elixir",
            "erlang",
            "elixir_version=",
            "[tools]",
            "=",
            "'",
            '"',
            " ",
            "\n",
            "1.18.4",
            "27",
            "(branch main)",
            "{",
            "}",
        ]
    ),
    max_size=12,
).map("".join)


@given(st.sampled_from(FILES), st.binary(max_size=80) | lines.map(str.encode) | versions.map(str.encode))
def test_any_bytes_give_pins_or_an_error_with_its_place(file: str, content: bytes) -> None:
    try:
        found = read_pins(Files({file: content}))
    except ProjectError as error:
        at = error.problems[0].at
        assert at is not None
        assert at.file == file
        assert 1 <= at.line <= content.count(b"\n") + 2
    else:
        assert all(each is None or each.at.file == file for each in (found.elixir, found.otp))


def test_toml_that_is_nested_too_deeply_is_an_error_not_a_crash() -> None:
    with pytest.raises(ProjectError):
        read_pins(Files({"mise.toml": "a = " + "[" * 100_000}))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_a_string_in_mise_is_taken_as_toml_means_it(text: str) -> None:
    quoted = "".join(f"\\U{ord(character):08x}" for character in text)
    content = f'[tools]\nelixir = "{quoted}"\n'
    value = tomllib.loads(content)["tools"]["elixir"].strip()
    try:
        expected: Pin | None = elixir_pin(value, "mise.toml:2", Mark("mise.toml", 2)) if value else None
    except ProjectError:
        expected = None
    if expected is None:
        with pytest.raises(ProjectError):
            read_pins(Files({"mise.toml": content}))
    elif expected.passed is None:
        assert read_pins(Files({"mise.toml": content})).elixir == expected


def test_the_nearest_file_up_to_the_root_of_the_repository_counts() -> None:
    own = {".elixir-version": "1.17.3\n"}
    above = {
        "../mise.toml": '[tools]\nelixir = "1.18.4"\nerlang = "27.1"\n',
        "../../.tool-versions": "erlang 26.2.5\n",
    }
    found = read_pins(Files({**own, **above, "../../.git/HEAD": ""}))
    assert (found.elixir, found.otp) == (
        pin("1.17.3", ".elixir-version", 1, 1, version="1.17.3"),
        pin("27.1", "../mise.toml", 3, 1, version="27.1"),
    )
    # What is wrong in a file that nothing is asked of is nobody's concern.
    wrong = {".tool-versions": "elixir 1.17.3\nerlang 27.1\n", "../mise.toml": "no toml", "../.git": "gitdir: x"}
    assert read_pins(Files(wrong)).otp == pin("27.1", ".tool-versions", 2, 8, version="27.1")
    # asdf goes on beyond the repository, to files that no one else has.
    for repository in ({}, {".git/HEAD": ""}, {"../.git": "gitdir: x"}):
        assert read_pins(Files({"../../.tool-versions": "erlang 26.2.5\n", **repository})) == Pins(None, None, ())
