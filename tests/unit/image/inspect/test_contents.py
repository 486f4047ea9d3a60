"""What a release is made of, by its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relbuild.errors import Mark
from relbuild.image import labels
from relbuild.image.inspect.contents import Application, RuntimeVersions
from relbuild.mix.lock import Locked

Files = dict[str, bytes]
AT = Mark("releases/mix.lock", 2, 3), Mark("releases/mix.lock", 3, 3)
JASON = Locked("jason", AT[0], "hex", "jason", "1.4.1", "hexpm", ("mix",), (), checksum="b" * 64)
TOOL = Locked("tool", AT[1], "git", "tool", git="https://github.com/Acme/tool.git", commit="c" * 40, asked={})


def test_applications_with_where_they_come_from(made: Callable[..., Any]) -> None:
    contents = made().inspection.contents
    assert contents.has_lock
    assert contents.versions == RuntimeVersions("1.18.3", "27.3.4", "15.2.7")
    assert [(each.name, each.origin, each.layer, each.applications, each.locked) for each in contents.applications] == [
        ("elixir", "elixir", 1, ("compiler", "kernel", "stdlib"), None),
        ("jason", "hex", 2, ("decimal", "elixir", "kernel"), JASON),
        ("kernel", "otp", 1, (), None),
        ("shop", "project", 3, ("elixir", "jason", "kernel", "tool"), None),
        ("tool", "git", 2, ("kernel",), TOOL),
    ]
    jason = contents.applications[1]
    assert (jason.files, jason.size) == (2, 3000 + len(made().read("app/lib/jason-1.4.1/ebin/jason.app")))


def test_an_image_of_others(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    """No labels, no lock, no exact version of OTP: what isn't known isn't guessed."""
    base, *rest = shop_layers
    own = {path: content for layer in rest for path, content in layer.items()}
    del own["app/releases/mix.lock"], own["app/releases/27/OTP_VERSION"]
    contents = made([base, own], {}).inspection.contents
    assert (contents.has_lock, contents.versions) == (False, RuntimeVersions("1.18.3", "27", "15.2.7"))
    origins = {each.name: each.origin for each in contents.applications}
    assert origins == {"elixir": "elixir", "jason": "unknown", "kernel": "otp", "shop": "project", "tool": "unknown"}


def test_a_release_without_erts_has_no_files_of_otp(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    base, _, dependencies, project = shop_layers
    applications = made([base, dependencies, project]).inspection.applications
    kernel = next(each for each in applications if each.name == "kernel")
    assert kernel == Application("kernel", "10.2", "otp", 0, 0, None)


def test_a_directory_of_an_overlay_beside_them_is_no_application(
    made: Callable[..., Any], shop_layers: tuple[Files, ...]
) -> None:
    *others, project = shop_layers
    overlaid = {**project, "app/lib/geo-2024/countries.csv": b"NO\n", "app/lib/geo-2024/ebin/other.app": b""}
    assert made([*others, overlaid]).inspection.contents == made().inspection.contents


def test_files_that_cannot_be_read_leave_things_open(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    base, release, dependencies, project = shop_layers
    broken = {
        **project,
        "app/releases/0.1.0/shop.rel": b"\xff{release",
        "app/releases/mix.lock": b"%{",
        "app/releases/27/OTP_VERSION": b"26.1",
        "app/lib/shop-0.1.0/ebin/shop.app": b"{application,shop,[{applications,none}]}.",
    }
    contents = made([base, release, dependencies, broken]).inspection.contents
    assert (contents.has_lock, contents.versions.otp) == (False, "27")
    assert [each.name for each in contents.applications] == ["elixir", "jason", "kernel", "shop", "tool"]
    assert contents.applications[3].applications == ()


def test_every_application_of_an_umbrella_is_the_projects(
    made: Callable[..., Any], shop_layers: tuple[Files, ...]
) -> None:
    label = {labels.RELEASE: "shop", labels.ROOT: "/app", labels.APPLICATIONS: "tool shop"}
    found = made(shop_layers, label).inspection.applications
    assert [each.name for each in found if each.origin == "project"] == ["shop", "tool"]
