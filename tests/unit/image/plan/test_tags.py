"""The references that an image gets."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relbuild.errors import Mark, ProjectError, UsageError
from relbuild.image.plan.tags import image_tags, split_reference
from relbuild.image.reference import REPOSITORY, TAG
from tests.unit.image.plan.test_plan import plan


def test_the_default_tag_is_the_version() -> None:
    assert image_tags(plan(), ()) == ("shop:1.2.3",)
    assert image_tags(plan(config="image: registry.example.com:5000/acme/shop\n"), ()) == (
        "registry.example.com:5000/acme/shop:1.2.3",
    )


def test_a_tag_alone_belongs_to_the_plans_image() -> None:
    assert image_tags(plan(), (":edge", "other", "localhost:5000/a/b:1")) == (
        "shop:edge",
        "other:latest",
        "localhost:5000/a/b:1",
    )


@given(st.text(max_size=40))
@example("shop:1.0\n")
@example("-shop")
@example("a" * 129 + ":1")
@example("shop:" + "a" * 129)
def test_a_tag_is_a_reference_or_a_usage_error(asked: str) -> None:
    try:
        [reference] = image_tags(plan(), (asked,)) if asked else ("shop:1",)
    except UsageError:
        return
    repository, tag = split_reference(reference)
    assert REPOSITORY.fullmatch(repository)
    assert TAG.fullmatch(tag)
    assert not reference.startswith("-")


@given(st.from_regex(REPOSITORY, fullmatch=True), st.from_regex(TAG, fullmatch=True))
def test_a_reference_splits_where_it_was_joined(repository: str, tag: str) -> None:
    assert split_reference(f"{repository}:{tag}") == (repository, tag)


@given(
    st.from_regex(
        r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]?)\.(0|[1-9][0-9]?)(-[a-z][a-z0-9]{0,4})?(\+[a-z0-9]{1,5})?", fullmatch=True
    )
)
def test_a_version_is_a_tag_or_says_at_its_place_that_it_is_none(version: str) -> None:
    made = plan(version=version)
    if "+" in version:
        with pytest.raises(ProjectError) as raised:
            image_tags(made, ())
        assert raised.value.problems[0].at == Mark("mix.exs", 5, 27)
    else:
        assert image_tags(made, ()) == (f"shop:{version}",)
