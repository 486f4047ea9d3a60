"""Which Hex packages and Rust crates compile C, C++ or Rust, link a library of the system, or call a program.

Each entry was read in the package's own documentation or build files, at `source`. Debian's names are those of trixie;
`OTHER_NAMES` and `ONLY_IN` tell where another release has it otherwise. A package whose sources bring all they need
still names build-essential, so that the plan can say what it is there for.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """What a package needs: to be compiled, and where it runs.

    One that is `precompiled` downloads its compiled code, and needs what it names only where the build's environment
    has one of the values of `switch` in its variable. Where it downloads it by another package, `by`, a version that
    doesn't depend on that one yet is compiled, with `builder`.
    """

    what: str
    source: str
    builder: tuple[str, ...] = ()
    runner: tuple[str, ...] = ()
    precompiled: bool = False
    switch: tuple[str, tuple[str, ...]] | None = None
    by: str | None = None


_GITHUB = "https://github.com/"
_C = ("build-essential",)
_RUST = ("cargo",)
# https://hexdocs.pm/rustler_precompiled/RustlerPrecompiled.html
_RUSTLER = ("RUSTLER_PRECOMPILED_FORCE_BUILD_ALL", ("1", "true"))


def _precompiled_rust(source: str) -> Entry:
    return Entry(
        "brings its Rust code compiled", source, _RUST, precompiled=True, switch=_RUSTLER, by="rustler_precompiled"
    )


def _precompiled_c(source: str) -> Entry:
    return Entry("brings its C or C++ code compiled", source, _C, precompiled=True, by="cc_precompiler")


def _magic(source: str) -> Entry:
    return Entry("links libmagic", source, (*_C, "libmagic-dev"), ("libmagic1t64",))


PACKAGES = {
    # Compiled from sources of its own.
    "appsignal": Entry("compiles C", _GITHUB + "appsignal/appsignal-elixir/blob/main/Makefile", _C),
    "argon2_elixir": Entry("compiles C", _GITHUB + "riverrun/argon2_elixir/blob/master/mix.exs", _C),
    "bcrypt_elixir": Entry("compiles C", _GITHUB + "riverrun/bcrypt_elixir#installation", _C),
    "brotli": Entry("compiles C", _GITHUB + "yjh0502/erl-brotli/blob/master/rebar.config", _C),
    "cache_tab": Entry("compiles C", _GITHUB + "processone/cache_tab/blob/master/rebar.config", _C),
    "circuits_uart": Entry("compiles C", _GITHUB + "elixir-circuits/circuits_uart/blob/main/mix.exs", _C),
    "cmark": Entry("compiles C", _GITHUB + "asaaki/cmark.ex/blob/main/mix.exs", _C),
    "erlexec": Entry("compiles C++", _GITHUB + "saleyn/erlexec#readme", _C),
    "esqlite": Entry("compiles C", _GITHUB + "mmzeeman/esqlite/blob/main/rebar.config", _C),
    "exile": Entry("compiles C", _GITHUB + "akash-akya/exile/blob/master/mix.exs", _C),
    "ezstd": Entry("compiles C", _GITHUB + "silviucpp/ezstd/blob/master/build_deps.sh", _C),
    "hdr_histogram": Entry("compiles C", _GITHUB + "HdrHistogram/hdr_histogram_erl/blob/master/rebar.config", _C),
    "iconv": Entry("compiles C against libc's iconv", _GITHUB + "processone/iconv#dependencies", _C),
    "jiffy": Entry("compiles C", _GITHUB + "davisp/jiffy/blob/master/rebar.config", _C),
    "libdecaf": Entry("compiles C", _GITHUB + "potatosalad/erlang-libdecaf/blob/main/rebar.config", _C),
    "markdown": Entry("compiles C", _GITHUB + "devinus/markdown", _C),
    "muontrap": Entry("compiles C", _GITHUB + "fhunleth/muontrap/blob/main/mix.exs", _C),
    "myhtmlex": Entry("compiles C", _GITHUB + "Overbryd/myhtmlex/blob/master/Makefile", _C),
    "picosat_elixir": Entry("compiles C", _GITHUB + "bitwalker/picosat_elixir/blob/master/mix.exs", _C),
    "snappyer": Entry("compiles C++", _GITHUB + "kafka4beam/snappyer/blob/master/rebar.config", _C),
    "stringprep": Entry("compiles C++", _GITHUB + "processone/stringprep/blob/master/rebar.config", _C),
    "xmpp": Entry("compiles C", _GITHUB + "processone/xmpp/blob/master/rebar.config", _C),
    "crc32cer": Entry("compiles C++", _GITHUB + "kafka4beam/crc32cer/blob/master/Makefile", (*_C, "cmake")),
    # The build tool of its C library is a Python program.
    "ex_termbox": Entry("compiles C", _GITHUB + "ndreynolds/ex_termbox/blob/master/Makefile", (*_C, "python3")),
    "fast_html": Entry(
        "compiles C", _GITHUB + "philss/floki#using-fast_html-as-the-html-parser", (*_C, "cmake")
    ),
    "h3": Entry("compiles C", _GITHUB + "helium/erlang-h3#readme", (*_C, "cmake")),
    "quicer": Entry("compiles C", _GITHUB + "emqx/quic/blob/main/build.sh", (*_C, "cmake")),
    "rocksdb": Entry("compiles C++", _GITHUB + "EnkiMultimedia/erlang-rocksdb#readme", (*_C, "cmake")),
    "rustler": Entry("compiles Rust", "https://hexdocs.pm/rustler/readme.html", _RUST),
    # Linked against a library.
    "egit": Entry(
        "links libgit2", _GITHUB + "saleyn/egit#readme", (*_C, "libgit2-dev", "pkg-config"), ("libgit2-1.9",)
    ),
    "eimp": Entry(
        "links libgd, libjpeg, libpng and libwebp",
        _GITHUB + "processone/eimp#requirements",
        (*_C, "libgd-dev", "libjpeg-dev", "libpng-dev", "libwebp-dev"),
        ("libgd3", "libjpeg62-turbo", "libpng16-16t64", "libwebp7"),
    ),
    "enacl": Entry(
        "links libsodium", _GITHUB + "jlouis/enacl#installrequirements", (*_C, "libsodium-dev"), ("libsodium23",)
    ),
    "epam": Entry(
        "links libpam", _GITHUB + "processone/epam/blob/master/rebar.config", (*_C, "libpam0g-dev"), ("libpam0g",)
    ),
    "epcap": Entry(
        "links libpcap", _GITHUB + "msantos/epcap/blob/master/rebar.config", (*_C, "libpcap-dev"), ("libpcap0.8t64",)
    ),
    "erlkaf": Entry(
        "links libraries that librdkafka needs",
        _GITHUB + "silviucpp/erlkaf/blob/master/c_src/Makefile",
        (*_C, "libcurl4-openssl-dev", "liblz4-dev", "libsasl2-dev", "libssl-dev", "libzstd-dev", "zlib1g-dev"),
        ("libcurl4t64", "liblz4-1", "libsasl2-2", "libzstd1", "zlib1g"),
    ),
    "ex_dtls": Entry(
        "links OpenSSL", _GITHUB + "elixir-webrtc/ex_dtls#installation", (*_C, "libssl-dev", "pkg-config")
    ),
    "exmagick": Entry(
        "links GraphicsMagick",
        _GITHUB + "Xerpa/exmagick#dependencies",
        (*_C, "libgraphicsmagick1-dev", "libtool-bin"),
        ("libgraphicsmagick-q16-3t64",),
    ),
    "ezlib": Entry("links zlib", _GITHUB + "processone/ezlib#dependencies", (*_C, "zlib1g-dev"), ("zlib1g",)),
    "fast_tls": Entry("links OpenSSL", _GITHUB + "processone/fast_tls#dependencies", (*_C, "libssl-dev")),
    "fast_xml": Entry(
        "links Expat", _GITHUB + "processone/fast_xml#dependencies", (*_C, "libexpat1-dev"), ("libexpat1",)
    ),
    "fast_yaml": Entry(
        "links libyaml", _GITHUB + "processone/fast_yaml#dependencies", (*_C, "libyaml-dev"), ("libyaml-0-2",)
    ),
    "gen_magic": _magic(_GITHUB + "evadne/gen_magic/blob/develop/Makefile"),
    "image_ocr": Entry(
        "links Tesseract and Leptonica",
        "https://hexdocs.pm/image_ocr/readme.html#requirements",
        (*_C, "libleptonica-dev", "libtesseract-dev", "pkg-config"),
        ("tesseract-ocr",),
    ),
    "libsalty2": Entry(
        "links libsodium", _GITHUB + "Ianleeclark/libsalty2#requirements", (*_C, "libsodium-dev"), ("libsodium23",)
    ),
    "libsecp256k1": Entry(
        "compiles C with autotools, and links GMP",
        _GITHUB + "exthereum/libsecp256k1/blob/master/c_src/build_deps.sh",
        (*_C, "autoconf", "automake", "libgmp-dev", "libtool"),
        ("libgmp10",),
    ),
    "majic": _magic("https://hexdocs.pm/majic/readme.html#installation"),
    "sasl_auth": Entry(
        "links Cyrus SASL and Kerberos",
        _GITHUB + "kafka4beam/sasl_auth#dependencies",
        (*_C, "libkrb5-dev", "libsasl2-dev"),
        ("libkrb5-3", "libsasl2-2", "libsasl2-modules-gssapi-mit"),
    ),
    "sqlite3": Entry(
        "links SQLite",
        _GITHUB + "processone/erlang-sqlite3/blob/master/rebar.config",
        (*_C, "libsqlite3-dev"),
        ("libsqlite3-0",),
    ),
    "xav": Entry(
        "links FFmpeg's libraries",
        _GITHUB + "elixir-webrtc/xav/blob/master/INSTALL.md",
        (*_C, "libavcodec-dev", "libavdevice-dev", "libavformat-dev", "libavutil-dev", "libswscale-dev", "pkg-config"),
        # Its package has every one of those libraries, under whichever number.
        ("ffmpeg",),
    ),
    "zbar": Entry(
        "links ZBar and libjpeg",
        _GITHUB + "GregMefford/zbar-elixir#installation",
        (*_C, "libjpeg-dev", "libzbar-dev"),
        ("libjpeg62-turbo", "libzbar0t64"),
    ),
    # Calls a program.
    "chromic_pdf": Entry("prints with Chromium", _GITHUB + "bitcrowd/chromic_pdf#requirements", runner=("chromium",)),
    "erlport": Entry("calls Python", _GITHUB + "erlport/erlport#readme", runner=("python3",)),
    "ffmpex": Entry("calls ffmpeg", _GITHUB + "talklittle/ffmpex#prerequisites", runner=("ffmpeg",)),
    "file_system": Entry("calls inotifywait", _GITHUB + "falood/file_system#system-support", runner=("inotify-tools",)),
    "git_cli": Entry("calls git", _GITHUB + "danhper/elixir-git-cli#readme", runner=("git",)),
    "mogrify": Entry("calls ImageMagick", _GITHUB + "elixir-mogrify/mogrify#requirements", runner=("imagemagick",)),
    "nodejs": Entry("calls Node.js", _GITHUB + "revelrylabs/elixir-nodejs#prerequisites", runner=("nodejs",)),
    "panpipe": Entry("calls Pandoc", _GITHUB + "marcelotto/panpipe#installation", runner=("pandoc",)),
    "pdf_generator": Entry(
        "calls wkhtmltopdf", _GITHUB + "gutschilla/elixir-pdf-generator#system-prerequisites", runner=("wkhtmltopdf",)
    ),
    "tesseract_ocr": Entry(
        "calls Tesseract", "https://hexdocs.pm/tesseract_ocr/readme.html#requirements", runner=("tesseract-ocr",)
    ),
    "thumbnex": Entry(
        "calls ImageMagick and ffmpeg", _GITHUB + "talklittle/thumbnex#prerequisites", runner=("ffmpeg", "imagemagick")
    ),
    # Brings its compiled code.
    "adbc": _precompiled_c(_GITHUB + "livebook-dev/adbc/blob/main/mix.exs"),
    "duckdbex": _precompiled_c(_GITHUB + "AlexR2D2/duckdbex/blob/main/mix.exs"),
    "ex_keccak": _precompiled_rust(_GITHUB + "tzumby/ex_keccak/blob/main/mix.exs"),
    "ex_libsrtp": Entry(
        "compiles C, and brings libsrtp compiled", _GITHUB + "membraneframework/ex_libsrtp#installation", _C
    ),
    "explorer": _precompiled_rust(_GITHUB + "elixir-explorer/explorer/blob/main/mix.exs"),
    "evision": Entry(
        "brings OpenCV compiled", _GITHUB + "cocoa-xu/evision#use-precompiled-library-default", (*_C, "cmake"),
        precompiled=True, switch=("EVISION_PREFER_PRECOMPILED", ("false",)),
    ),
    "exqlite": _precompiled_c(_GITHUB + "elixir-sqlite/exqlite/blob/main/mix.exs"),
    "hnswlib": _precompiled_c(_GITHUB + "elixir-nx/hnswlib/blob/main/mix.exs"),
    "html5ever": _precompiled_rust(_GITHUB + "rusterlium/html5ever_elixir/blob/master/mix.exs"),
    "lazy_html": _precompiled_c(_GITHUB + "dashbitco/lazy_html/blob/main/mix.exs"),
    "meeseeks_html5ever": _precompiled_rust(_GITHUB + "mischov/meeseeks_html5ever/blob/main/mix.exs"),
    "mjml": _precompiled_rust(_GITHUB + "adoptoposs/mjml_nif/blob/main/mix.exs"),
    "pythonx": _precompiled_c(_GITHUB + "livebook-dev/pythonx/blob/main/mix.exs"),
    "tokenizers": _precompiled_rust(_GITHUB + "elixir-nx/tokenizers/blob/main/mix.exs"),
    "vix": Entry(
        "brings libvips compiled",
        _GITHUB + "akash-akya/vix#installation",
        (*_C, "libvips-dev", "pkg-config"),
        ("libvips42t64",),
        precompiled=True,
        switch=("VIX_COMPILATION_MODE", ("PLATFORM_PROVIDED_LIBVIPS",)),
        by="cc_precompiler",
    ),
}  # fmt: skip

# Packages that compile, or download compiled, what one that depends on them has: by these they are known that the
# table doesn't have. The first of them says which.
BY_DEPENDENCY = {
    "rustler_precompiled": _precompiled_rust("https://hexdocs.pm/rustler_precompiled/RustlerPrecompiled.html"),
    "cc_precompiler": _precompiled_c(_GITHUB + "cocoa-xu/cc_precompiler#readme"),
    "elixir_cmake": Entry("is compiled with CMake", "https://hexdocs.pm/elixir_cmake/readme.html", (*_C, "cmake")),
    "elixir_make": Entry("is compiled with make", _GITHUB + "elixir-lang/elixir_make#readme", _C),
}


class Crate(NamedTuple):
    """What a Rust crate needs to be compiled, and where it runs; nothing where it depends on what `brings` it."""

    what: str
    source: str
    builder: tuple[str, ...]
    runner: tuple[str, ...] = ()
    brings: str | None = None


# Those that need more than cargo and a C compiler, which every builder has.
CRATES = {
    "bindgen": Crate(
        "reads headers with libclang", "https://rust-lang.github.io/rust-bindgen/requirements.html", ("libclang-dev",)
    ),
    "cmake": Crate("calls CMake", "https://docs.rs/cmake/latest/cmake/", ("cmake",)),
    "libpq-sys": Crate(
        "links libpq",
        _GITHUB + "sgrif/pq-sys#readme",
        ("libpq-dev",),
        ("libpq5",),
        brings="pq-src",
    ),
    "libsqlite3-sys": Crate(
        "links SQLite",
        _GITHUB + "rusqlite/rusqlite#notes-on-building-rusqlite-and-libsqlite3-sys",
        ("libsqlite3-dev", "pkg-config"),
        ("libsqlite3-0",),
        # What compiles its own copy (its feature bundled).
        brings="cc",
    ),
    # The runner has OpenSSL for Erlang's crypto.
    "openssl-sys": Crate(
        "links OpenSSL",
        "https://docs.rs/openssl/latest/openssl/#automatic",
        ("libssl-dev", "pkg-config"),
        brings="openssl-src",
    ),
    "prost-build": Crate(
        "calls protoc",
        "https://docs.rs/prost-build/latest/prost_build/#sourcing-protoc",
        ("protobuf-compiler",),
    ),
}

_OLD = ("bullseye", "bookworm")
# The names of before the move to 64 bits of time (https://wiki.debian.org/ReleaseGoals/64bit-time), and other numbers.
OTHER_NAMES: dict[str, dict[str, str]] = {
    "libcurl4t64": dict.fromkeys(_OLD, "libcurl4"),
    "libgit2-1.9": {"bullseye": "libgit2-1.1", "bookworm": "libgit2-1.5"},
    "libgraphicsmagick-q16-3t64": dict.fromkeys(_OLD, "libgraphicsmagick-q16-3"),
    "libmagic1t64": dict.fromkeys(_OLD, "libmagic1"),
    "libpcap0.8t64": dict.fromkeys(_OLD, "libpcap0.8"),
    "libpng16-16t64": dict.fromkeys(_OLD, "libpng16-16"),
    "libsodium23": dict.fromkeys(("forky", "sid"), "libsodium26"),
    "libvips42t64": dict.fromkeys(_OLD, "libvips42"),
    "libzbar0t64": dict.fromkeys(_OLD, "libzbar0"),
}
# Packages that newer Debian releases have no more.
ONLY_IN: dict[str, tuple[str, ...]] = {"wkhtmltopdf": _OLD}
