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
