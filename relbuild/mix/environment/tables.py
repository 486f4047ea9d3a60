"""Which functions, configuration keys and names tell what a value is used for.

Functions are those of Elixir, Erlang and JSON libraries, with the value as their first argument (hexdocs.pm/elixir,
erlang.org/doc); keys are those of Phoenix, Ecto, Logger, Swoosh and Sentry (their own documentation on hexdocs.pm).
"""

from __future__ import annotations

from relbuild.mix.environment.contract import Use

_INTEGER, _FLOAT, _BASE64, _HEX, _JSON = (Use(kind) for kind in ("integer", "float", "base64", "hex", "json"))
_URL, _IP, _FILE, _PATH, _HOST, _ATOM = (Use(kind) for kind in ("url", "ip", "file", "path", "host", "atom"))

FUNCTIONS = {
    **dict.fromkeys(("String.to_integer", "Integer.parse", ":erlang.binary_to_integer"), _INTEGER),
    **dict.fromkeys(("String.to_float", "Float.parse", ":erlang.binary_to_float"), _FLOAT),
    **dict.fromkeys(("Base.decode64", "Base.decode64!", "Base.url_decode64", "Base.url_decode64!"), _BASE64),
    **dict.fromkeys((":base64.decode", ":base64.mime_decode"), _BASE64),
    **dict.fromkeys(("Base.decode16", "Base.decode16!"), _HEX),
    **dict.fromkeys(("JSON.decode", "JSON.decode!", "Jason.decode", "Jason.decode!"), _JSON),
    **dict.fromkeys(("Poison.decode", "Poison.decode!", ":json.decode", ":jsx.decode", ":jiffy.decode"), _JSON),
    **dict.fromkeys(("URI.parse", "URI.new", "URI.new!", ":uri_string.parse"), _URL),
    **dict.fromkeys(("Version.parse", "Version.parse!"), Use("version")),
    **dict.fromkeys((":inet.parse_address", ":inet.parse_strict_address", ":inet.parse_ipv4_address"), _IP),
    **dict.fromkeys((":inet.parse_ipv6_address", ":inet.parse_ipv4strict_address"), _IP),
    **dict.fromkeys(("File.read", "File.read!", "File.stream!", "Code.eval_file", "Code.require_file"), _FILE),
    **dict.fromkeys(("File.exists?", "File.dir?", "File.mkdir_p!", "File.mkdir_p", "Path.join", "Path.expand"), _PATH),
    **dict.fromkeys(("String.to_atom", "String.to_existing_atom"), _ATOM),
    **dict.fromkeys(("Date.from_iso8601", "Date.from_iso8601!"), Use("date")),
    **dict.fromkeys(("DateTime.from_iso8601",), Use("datetime")),
}

_LEVELS = Use("choice", ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"))

KEYS = {
    "url": _URL,
    "dsn": Use("dsn"),
    "hostname": _HOST,
    "host": _HOST,
    "relay": _HOST,
    "port": _INTEGER,
    "pool_size": _INTEGER,
    "level": _LEVELS,
    "scheme": Use("choice", ("https", "http")),
    "secret_key_base": Use("secret", bytes=64),
    "signing_salt": Use("secret", bytes=8),
    "encryption_salt": Use("secret", bytes=8),
    **dict.fromkeys(("certfile", "keyfile", "cacertfile", "cacerts_file"), _FILE),
    **dict.fromkeys(("path", "socket_dir", "data_dir", "directory"), _PATH),
}

# By the last word of a variable's name, where nothing else tells.
NAMES = {
    **dict.fromkeys(("URL", "URI"), _URL),
    **dict.fromkeys(("HOST", "HOSTNAME", "DOMAIN"), _HOST),
    **dict.fromkeys(("PATH", "DIR", "DIRECTORY"), _PATH),
    "PORT": _INTEGER,
    "FILE": _FILE,
    "EMAIL": Use("email"),
}

BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n", "enabled", "disabled"})

# Ecto accepts any scheme; other readers of the same variable may not.
ADAPTERS = {"Postgres": "postgres", "MyXQL": "mysql", "Tds": "mssql", "SQLite3": "ecto", "ClickHouse": "http"}
SCHEMES = {
    "REDIS": "redis",
    "AMQP": "amqp",
    "RABBITMQ": "amqp",
    "MONGO": "mongodb",
    "MONGODB": "mongodb",
    "CLICKHOUSE": "http",
    "SMTP": "smtp",
    "NATS": "nats",
    "MYSQL": "mysql",
    "POSTGRES": "postgres",
    "POSTGRESQL": "postgres",
    "PG": "postgres",
    "REPO": "ecto",
    "DATABASE": "ecto",
    "DB": "ecto",
}

# Modules whose functions raise where their first argument is nil, and single functions that do (Elixir 1.20).
NO_NIL_MODULES = frozenset(
    {
        *("String", "Base", "Integer", "Float", "Path", "File", "URI", "Version", "Regex", "JSON"),
        *("Date", "DateTime", "NaiveDateTime", "Time", "Duration", "Enum", "Map", "Keyword"),
    }
)
# Of these it is only noted where the first argument is surely a variable's value.
COLLECTIONS = frozenset({"Enum", "Map", "Keyword"})
NO_NIL = frozenset(
    {
        *("Jason.decode", "Jason.decode!", "Poison.decode", "Poison.decode!", ":json.decode", ":base64.decode"),
        *(":erlang.binary_to_integer", ":erlang.binary_to_float", ":erlang.binary_to_atom", ":erlang.binary_to_list"),
        *(":public_key.pem_decode", ":uri_string.parse", "List.to_string", "List.to_charlist", "byte_size"),
    }
)
# Those that raise on an empty text, too.
NO_EMPTY = frozenset(
    {
        *("String.to_integer", "String.to_float", ":erlang.binary_to_integer", ":erlang.binary_to_float"),
        *("Version.parse!", "Version.compare", "Date.from_iso8601!", "NaiveDateTime.from_iso8601!"),
        *("Time.from_iso8601!", "Duration.from_iso8601!", "File.read!", "File.ls!", "File.mkdir_p!"),
        *("JSON.decode!", "Jason.decode!", "Poison.decode!", ":json.decode"),
    }
)

# Functions whose last argument is called for each item of the first.
EACH = (
    *(f"Enum.{name}" for name in ("each", "filter", "flat_map", "into", "map", "map_join", "reduce", "reject")),
    *("Enum.map_intersperse", "Enum.sort_by", "Enum.group_by", "Enum.split_with", "Enum.reduce_while"),
    *("Stream.each", "Stream.filter", "Stream.flat_map", "Stream.map", "Stream.reject"),
    *("Keyword.new", "Map.new", "MapSet.new", "Task.async_stream"),
)
EVALUATES = (
    *("Code.eval_string", "Code.eval_quoted", "Code.compile_string", "Code.compile_quoted"),
    *("EEx.eval_string", "EEx.eval_file"),
)

# Elixir's own modules, and functions that give no variable's value away.
KNOWN = (
    *("Access.", "Application.", "Atom.", "Base.", "Code.", "Config.", "Date.", "DateTime.", "Duration.", "Enum."),
    *("File.", "Float.", "Function.", "IO.", "Integer.", "JSON.", "Kernel.", "Keyword.", "List.", "Logger.", "Map."),
    *("MapSet.", "Module.", "NaiveDateTime.", "Node.", "Path.", "Process.", "Range.", "Regex.", "Stream.", "String."),
    *("System.", "Task.", "Time.", "Tuple.", "URI.", "Version."),
    *(":", "config", "dbg", "inspect", "is_", "put_in", "to_charlist", "to_string", "update_in"),
)
GIVES_TEXT = ("String.trim", "String.down", "String.up", "String.split", "String.replace", "Path.", "inspect", "to_")
# Libraries that set variables from files (hexdocs.pm/dotenv, dotenv_parser, envy).
LOADERS = ("Dotenv.", "DotenvParser.", "Envy.", "ExDotenv.")
# Dependencies that configurations call, and that read no variable of their own; Mix raises in a release.
HARMLESS = ("CAStore.", "Decimal.", "Jason.", "LoggerJSON.", "Mix.", "Plug.", "Poison.", "Timex.")

# What reads variables in libraries: macros, functions and structs (their documentation on hexdocs.pm).
READERS = {
    "Skogsra": ("app_env", "system_env"),
    "Vapor": ("%Env", "%Vapor.Provider.Env", "%Provider.Env", "env("),
    "Nvir": ("env!", "Nvir.env!"),
    "Dotenvy": ("env!", "Dotenvy.env!", "Dotenvy.env("),
}
# What dependencies read by themselves (docs.sentry.io/platforms/elixir/configuration/options, hexdocs.pm/ex_aws).
PACKAGES = {
    "ex_aws": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "sentry": ("SENTRY_DSN", "SENTRY_ENVIRONMENT", "SENTRY_RELEASE"),
}
