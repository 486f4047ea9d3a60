"""What differs between two images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relbuild.image import labels
from relbuild.image.inspect.difference import Changed, compare
from relbuild.image.inspect.page import render
from relbuild.image.inspect.report import to_text
from relbuild.output import laid_out

Files = dict[str, bytes]


def test_a_bumped_dependency_and_a_changed_contract(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    base, release, dependencies, project = shop_layers
    before = made()
    bumped = {path.replace("jason-1.4.1", "jason-1.4.4"): content for path, content in dependencies.items()}
    bumped["app/lib/jason-1.4.4/ebin/jason.beam"] = b"J" * 3000
    del bumped["app/lib/tool-0.2.0/ebin/tool.app"]
    rel = project["app/releases/0.1.0/shop.rel"].replace(b'"1.4.1"', b'"1.4.4"').replace(b'{tool,"0.2.0"},', b"")
    changed = {
        **{path.replace("/0.1.0/", "/0.2.0/"): content for path, content in project.items()},
        "app/releases/start_erl.data": b"15.2.7 0.2.0",
        "app/releases/0.2.0/shop.rel": rel,
        "app/releases/0.2.0/more": b"x" * 100,
    }
    label = {**before.inspection.labels, labels.ENVIRONMENT: '{"version":1,"variables":[]}'}
    after = made([base, release, bumped, changed], label, reference="shop:0.2.0")

    found = compare(before.inspection, after.inspection, lambda one, other: before.read(one) == after.read(other))
    assert (found.reference, found.shared, found.more) == ("shop:0.1.0", (0, 1), found.size_after - found.size_before)
    assert found.packed_new == sum(layer.packed for layer in after.inspection.layers[2:])
    assert [(each.name, each.kind, each.before, each.after) for each in found.applications] == [
        ("jason", "changed", "1.4.1", "1.4.4"),
        ("tool", "removed", "0.2.0", None),
    ]
    # jason.app is as it was but for its directory's name.
    assert [(each.name, each.kind, each.more) for each in found.files] == [
        ("app/releases/VERSION/more", "added", 100),
        ("app/lib/tool/ebin/tool.app", "removed", -len(dependencies["app/lib/tool-0.2.0/ebin/tool.app"])),
        ("app/releases/VERSION/shop.rel", "changed", -len(b'{tool,"0.2.0"},')),
        ("app/lib/jason/ebin/jason.beam", "changed", 0),
        ("app/releases/start_erl.data", "changed", 0),
    ]
    assert found.environment == (Changed("URL", "removed", "required", None),)
    assert found.versions == (Changed("release", "changed", "shop 0.1.0", "shop 0.2.0"),)

    text = laid_out(to_text(after.inspection, None, found), None)
    assert "2 of 4 layers are shared" in text
    assert "jason  changed  1.4.1 → 1.4.4" in text
    page = render(after.inspection, None, found)
    assert "1.4.1 → 1.4.4" in page
    assert "Against shop:0.1.0" in page


def test_nothing_differs_from_itself(made: Callable[..., Any]) -> None:
    image = made().inspection
    found = compare(image, image, lambda one, other: False)
    assert (found.shared, found.more, found.packed_new) == ((0, 1, 2, 3), 0, 0)
    assert (found.applications, found.files, found.environment, found.versions) == ((), (), (), ())
    assert "Nothing differs." in render(image, None, found)


def test_a_file_that_is_in_another_layer_is_no_other_file(
    made: Callable[..., Any], shop_layers: tuple[Files, ...]
) -> None:
    base, *rest = shop_layers
    whole = {path: content for layer in rest for path, content in layer.items()}
    one, other = made(), made([base, whole])
    found = compare(one.inspection, other.inspection, lambda path, same: one.read(path) == other.read(same))
    assert (found.files, found.applications, found.shared) == ((), (), (0,))


def test_an_image_without_a_contract_has_none_to_compare(made: Callable[..., Any]) -> None:
    found = compare(made(label={}).inspection, made().inspection, lambda one, other: True)
    assert found.environment == ()
    assert Changed("base image", "added", None, "debian:trixie-slim") in found.versions
