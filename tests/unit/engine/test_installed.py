"""What pip notes of an installation, as a requirement for another machine."""

from __future__ import annotations

import pytest

from relbuild import __version__
from relbuild.engine import installed


@pytest.mark.parametrize(
    ("noted", "requirement"),
    [
        (None, f"relbuild=={__version__}"),
        ('{"url": "file:///home/me/relbuild", "dir_info": {"editable": true}}', None),
        ('{"url": "file:///tmp/relbuild.whl", "archive_info": {}}', None),
        ('{"url": "https://example.com/relbuild.whl", "archive_info": {}}', "https://example.com/relbuild.whl"),
        (
            '{"url": "https://example.com/relbuild.git", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}}',
            "git+https://example.com/relbuild.git@0123abc",
        ),
    ],
)
def test_where_it_was_installed_from(noted: str | None, requirement: str | None) -> None:
    assert installed.of(noted) == requirement


def test_this_one_is_a_checkout() -> None:
    assert installed.requirement() is None
