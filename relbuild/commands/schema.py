"""relbuild schema: the JSON Schema of relbuild.yml, for editors and checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from relbuild.config.schema import json_schema


def schema() -> Schema:
    """Return the schema."""
    return Schema(json_schema())


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema document."""

    document: dict[str, Any]
    exit_code: int = 0

    def text(self) -> str:
        return json.dumps(self.document, indent=2, ensure_ascii=False)

    def data(self) -> dict[str, Any]:
        return self.document
