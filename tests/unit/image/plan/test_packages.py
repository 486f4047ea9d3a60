"""What dependencies need of Debian, and the table that says so."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import jsonschema
import pytest

from relbuild.config import texts
from relbuild.errors import Mark
from relbuild.image.plan.packages import Need, package_needs, package_table
from relbuild.mix.lock import Needed, Resolved
from relbuild.mix.toolchain.tables import CODENAMES

AT = Mark("mix.lock", 2, 3)
NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True}
TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": TEXT, "minProperties": 1}


def _closed(required: dict[str, object], **optional: object) -> dict[str, object]:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


CONFIGURED = _closed({"app": TEXT, "key": TEXT}, **{"is": TEXT})
ENTRY = _closed(
    {"what": TEXT, "source": {"type": "string", "pattern": "^https://"}},
    builder=NAMES,
    runner=NAMES,
    precompiled={"const": True},
    switch=_closed({"variable": TEXT, "values": NAMES}),
    by=TEXT,
    brings=TEXT,
    env=TEXTS,
    note=TEXT,
    uses={"type": "array", "items": _closed({"words": NAMES}, runner=NAMES, env=TEXTS)},
    problems={
        "type": "array",
        "items": _closed(
            {"message": TEXT, "fix": TEXT}, unless={"type": "array", "items": CONFIGURED}, words=NAMES, without=NAMES
        ),
    },
)
ENTRIES = {"type": "object", "additionalProperties": ENTRY}
SCHEMA = _closed(
    {
        "packages": ENTRIES,
        "dependencies": ENTRIES,
        "crates": ENTRIES,
        "names": {"type": "object", "additionalProperties": TEXTS},
        "only_in": {"type": "object", "additionalProperties": NAMES},
        "programs": TEXTS,
        "slim": TEXTS,
        "minimal": _closed({"programs": TEXT}),
        "elsewhere": _closed({"programs": TEXT}),
        "large": _closed({"packages": TEXT}),
    }
)


def need(
    package: str, debian: str = "trixie", runtime: bool = True, deps: tuple[Needed, ...] | None = None, **env: str
) -> Need | None:
    found = package_needs([Resolved(package, package, AT, "hexpm", runtime=runtime, deps=deps)], debian, env)
    return found[0] if found else None


def test_what_is_compiled_and_linked() -> None:
    assert need("enacl") == Need("enacl", AT, "links libsodium", ("build-essential", "libsodium-dev"), ("libsodium23",))


def test_what_a_makefile_calls_is_there() -> None:
    assert need("fast_html") == Need("fast_html", AT, "compiles C", ("build-essential", "cmake"), ())
    assert need("majic", "bookworm") == Need(
        "majic", AT, "links libmagic", ("build-essential", "libmagic-dev"), ("libmagic1",)
    )


def test_names_differ_between_debian_releases() -> None:
    names = {debian: getattr(need("zbar", debian), "runner", None) for debian in ("bookworm", "trixie", "forky")}
    assert names == {
        "bookworm": ("libjpeg62-turbo", "libzbar0"),
        "trixie": ("libjpeg62-turbo", "libzbar0t64"),
        "forky": ("libjpeg62-turbo", "libzbar0t64"),
    }


def test_a_program_that_a_debian_release_has_no_more() -> None:
    assert need("pdf_generator", "bookworm") == Need("pdf_generator", AT, "calls wkhtmltopdf", (), ("wkhtmltopdf",))
    assert need("pdf_generator") == Need("pdf_generator", AT, "calls wkhtmltopdf", (), (), missing=("wkhtmltopdf",))


def test_what_brings_its_compiled_code_needs_nothing_unless_it_is_told_to_compile() -> None:
    assert need("vix") == Need("vix", AT, "brings libvips compiled", (), (), precompiled=True)
    assert need("vix", VIX_COMPILATION_MODE="PLATFORM_PROVIDED_LIBVIPS") == Need(
        "vix",
        AT,
        "is compiled, as VIX_COMPILATION_MODE requests",
        ("build-essential", "libvips-dev", "pkg-config"),
        ("libvips42t64",),
    )
    assert need("explorer", RUSTLER_PRECOMPILED_FORCE_BUILD_ALL="true") == Need(
        "explorer", AT, "is compiled, as RUSTLER_PRECOMPILED_FORCE_BUILD_ALL requests", ("cargo",), ()
    )
    assert need("vix", VIX_COMPILATION_MODE="PRECOMPILED_LIBVIPS") == need("vix")


def test_a_version_of_before_its_package_brought_compiled_code_is_compiled() -> None:
    old, new = (Needed("rustler", False),), (Needed("rustler", True), Needed("rustler_precompiled", False))
    what = "is compiled in this version, without rustler_precompiled"
    assert need("ex_keccak", deps=old) == Need("ex_keccak", AT, what, ("cargo",), ())
    assert (
        need("ex_keccak", deps=new)
        == need("ex_keccak")
        == Need("ex_keccak", AT, "brings its Rust code compiled", (), (), precompiled=True)
    )
    c = "is compiled in this version, without cc_precompiler"
    assert need("exqlite", deps=(Needed("elixir_make", False),)) == Need("exqlite", AT, c, ("build-essential",), ())
    # One that downloads it by means of its own.
    assert need("evision", deps=(Needed("elixir_make", False),)) == need("evision")


def test_a_package_that_the_table_does_not_have_is_known_by_what_it_depends_on() -> None:
    make, precompiler = Needed("elixir_make", False), Needed("cc_precompiler", False)
    assert need("some_nif", deps=(make,)) == Need("some_nif", AT, "is compiled with make", ("build-essential",), ())
    brought = need("some_nif", deps=(make, precompiler))
    assert brought == Need("some_nif", AT, "brings its C or C++ code compiled", (), (), precompiled=True)
    rust = need("some_nif", deps=(Needed("rustler", True), Needed("rustler_precompiled", False)))
    assert rust == Need("some_nif", AT, "brings its Rust code compiled", (), (), precompiled=True)
    assert need("some_nif", deps=(Needed("jason", False), Needed("elixir_make", True))) is None
    # It compiles for others.
    assert need("cc_precompiler", deps=(make,)) is None


def test_what_only_builds_needs_nothing_where_the_release_runs() -> None:
    assert need("fast_xml", runtime=False) == Need(
        "fast_xml", AT, "links Expat", ("build-essential", "libexpat1-dev"), ()
    )
    assert need("mogrify", runtime=False) is None


def test_what_is_not_known_needs_nothing() -> None:
    assert need("jason") is None


def test_the_table_is_sound() -> None:
    """It has what its own head says, and nothing else: a key with a typo would be ignored."""
    data = tomllib.loads(resources.files("relbuild.image.plan").joinpath("packages.toml").read_text("utf-8"))
    jsonschema.validate(data, SCHEMA)
    known = package_table()
    for package, entry in known.packages.items():
        assert entry.switch is None or entry.precompiled, package
        assert entry.by is None or (entry.precompiled and entry.builder), package
        assert (
            entry.builder
            or entry.runner
            or entry.precompiled
            or entry.env
            or entry.uses
            or entry.problems
            or entry.note
        )
    entries = (*known.packages.values(), *known.dependencies.values(), *known.crates.values())
    debian = {name for entry in entries for name in (*entry.builder, *entry.runner)}
    debian |= {name for entry in entries for use in entry.uses for name in use.runner} | set(known.programs.values())
    others = {name for names in known.names.values() for name in names.values()}
    assert {name for name in debian | others if not re.fullmatch(texts.PACKAGE.pattern or "", name)} == set()
    assert {*known.names, *known.only_in} <= debian
    releases = {each for names in (*known.names.values(), *known.only_in.values()) for each in names}
    assert releases <= set(CODENAMES)


def test_a_program_is_in_one_package() -> None:
    data = tomllib.loads(resources.files("relbuild.image.plan").joinpath("packages.toml").read_text("utf-8"))
    for section in ("programs", "slim"):
        names = [name for names in data[section].values() for name in names.split()]
        assert sorted(names) == sorted(set(names)), section
    # What the image has by itself isn't installed.
    assert not package_table().programs.keys() & (package_table().present.keys() | package_table().elsewhere)
    assert package_table().minimal <= package_table().present.keys()
    assert package_table().large <= set(package_table().programs.values())


# The packages that were considered for packages.toml, most used first. The documentation of about 35 of them was read
# for what they need of a container; the others were judged by what they are known to do. Those without needs have no
# entry.
CONSIDERED = """
    jason telemetry mime decimal plug plug_crypto castore mint hpax nimble_options nimble_pool finch phoenix
    phoenix_html phoenix_pubsub phoenix_template phoenix_view phoenix_live_view phoenix_live_dashboard
    phoenix_live_reload phoenix_ecto ecto ecto_sql postgrex db_connection myxql tds connection cowboy cowlib ranch
    plug_cowboy cowboy_telemetry bandit thousand_island websock websock_adapter gettext expo hackney certifi idna
    metrics mimerl parse_trans ssl_verify_fun unicode_util_compat httpoison tesla req credo bunt file_system
    dialyxir ex_doc earmark makeup nimble_parsec excoveralls mox ex_machina faker bypass telemetry_metrics
    telemetry_poller swoosh gen_smtp bamboo timex tzdata combine poison oban quantum crontab gen_stage flow broadway
    absinthe absinthe_plug dataloader guardian jose joken comeonin bcrypt_elixir argon2_elixir pbkdf2_elixir
    elixir_make cc_precompiler ueberauth oauth2 cachex ex_aws ex_aws_s3 sweet_xml floki html5ever fast_html
    libcluster horde delta_crdt sentry appsignal new_relic_agent opentelemetry opentelemetry_exporter prom_ex recon
    observer_cli esbuild tailwind heroicons sobelow nimble_csv ex_cldr ex_money uuid scrivener flop geo topo redix
    amqp brod snappyer crc32cer stream_data benchee logger_json logger_file_backend wallaby protobuf grpc gun
    memento ra rustler rustler_precompiled nx exla xla bumblebee tokenizers explorer vix image evision exqlite
    ecto_sqlite3 adbc waffle arc mogrify ffmpex chromic_pdf pdf_generator erlexec muontrap exile porcelain locus
    geolix tz pythonx bundlex prometheus_process_collector
"""


def test_every_package_with_an_entry_for_the_container_was_considered() -> None:
    more = {
        name
        for name, entry in package_table().packages.items()
        if entry.env or entry.uses or entry.problems or entry.note
    }
    assert more <= set(CONSIDERED.split())


def test_what_the_image_sets_for_a_package() -> None:
    found = need("erlexec")
    assert found is not None
    assert (found.builder, found.env) == (("build-essential",), {"SHELL": "/bin/sh"})
    assert need("locus") == Need(
        "locus",
        AT,
        "keeps the databases that it downloads in the user's cache directory",
        (),
        (),
        env={"XDG_CACHE_HOME": "/tmp"},
    )
    assert need("locus", runtime=False) is None


@pytest.mark.parametrize(
    "package", ["bcrypt_elixir", "argon2_elixir", "exqlite", "evision", "rustler", "ffmpex", "chromic_pdf", "fast_html"]
)
def test_the_best_known_are_in_it(package: str) -> None:
    assert need(package) is not None
