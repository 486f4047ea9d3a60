"""builder.ignore takes the patterns that BuildKit takes: of another it would refuse the whole file, and the build."""

from __future__ import annotations

import json

import pytest

from relbuild.config import parse
from relbuild.errors import ConfigError


@pytest.mark.parametrize(
    "pattern", ["priv/cert/", "!config/license.key", "*.csv", "a b", "**/[a-z]*.pem", "[^b]/", r"weird \*name", "é/-"]
)
def test_a_pattern_that_is_taken(pattern: str) -> None:
    given = f"builder: {{ignore: [{json.dumps(pattern)}]}}".encode()
    assert parse(given).builder.ignore == (pattern,)


@pytest.mark.parametrize(
    "pattern", ["", "#a", "!", "!!a", " a", "a ", "a\nb", "a[", "[]", "[-_]a", "[a-]", "a]", "a\\", "[a"]
)
def test_a_pattern_that_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"builder: {{ignore: [{json.dumps(pattern)}]}}".encode())
    assert "builder.ignore[0]" in caught.value.problems[0].message
