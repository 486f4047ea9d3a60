"""What a configuration uses the value of a variable for: the kind of value that the release accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from relbuild.mix.environment import tables
from relbuild.mix.environment.conditions import Among, Condition, leaves
from relbuild.mix.environment.contract import Use
from relbuild.mix.environment.values import Value, made_of, texts


@dataclass(slots=True)
class Uses:
    """The uses of variables that were found so far, by the variables' names."""

    _parsed: dict[str, Use] = field(default_factory=dict)
    _compared: dict[str, set[str]] = field(default_factory=dict)
    _configured: dict[str, Use] = field(default_factory=dict)

    def parsed(self, value: Value, use: Use) -> None:
        """Note that a function takes the value apart, or converts it."""
        names = made_of(value)
        for name in names if len(names) == 1 else texts(value):
            self._parsed.setdefault(name, use)

    def called(self, function: str, value: Value) -> None:
        """Note that a function of a library gets the value as its first argument."""
        use = tables.FUNCTIONS.get(function)
        if use is not None:
            self.parsed(value, use)

    def compared(self, condition: Condition) -> Condition:
        """Note the values that a condition compares variables with; return the condition."""
        for leaf in leaves(condition):
            if isinstance(leaf, Among):
                found = self._compared.setdefault(leaf.variable, set())
                found.update(value for value in leaf.values if value)
        return condition

    def configured(self, key: str, value: Value, module: str | None, adapter: str | None) -> None:
        """Note that the value is that of a key in the configuration of a module, perhaps an Ecto repository."""
        use = tables.KEYS.get(key)
        if use is None:
            return
        for name in made_of(value) if use.kind == "choice" else texts(value):
            self._configured.setdefault(name, _complete(use, name, module, adapter))

    def of(self, name: str, default: str | None) -> Use | None:
        """Return what the variable is used for, else what its name tells; None where nothing does."""
        use, configured = self._parsed.get(name), self._configured.get(name)
        values = tuple(sorted(self._compared.get(name, ())))
        if use is not None and use.kind == "atom":
            if configured is not None and configured.kind == "choice":
                return configured
            values = values or (("false", "true") if default in ("true", "false") else ())
        if (use is None or use.kind in ("atom", "boolean")) and values:
            boolean = {value.lower() for value in values} <= tables.BOOLEANS
            return Use("boolean" if boolean else "choice", values)
        found = use or configured or tables.NAMES.get(name.rpartition("_")[2])
        return found and _complete(found, name)


def _complete(use: Use, variable: str, module: str | None = None, adapter: str | None = None) -> Use:
    """Return the use with the scheme of a URL: that of the database adapter, else what the names tell, else https."""
    if use.kind != "url" or use.scheme is not None:
        return use
    words = re.split(r"[._]", f"{module or ''}.{variable}".upper())
    named = next((found for word, found in tables.SCHEMES.items() if word in words), "https")
    return Use("url", scheme=tables.ADAPTERS.get(adapter or "", named))
