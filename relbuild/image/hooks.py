"""What a buildpack would run and this build doesn't, and which key of relbuild.yml has the same place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relbuild.config import Config
from relbuild.facts import Tree
from relbuild.mix.toolchain import version_files
from relbuild.mix.toolchain.version_files import Hook

STEPS = {
    "hook_pre_fetch_dependencies": "before_deps",
    "hook_post_fetch_dependencies": "before_compile",
    "hook_pre_compile": "before_compile",
    "hook_post_compile": "after_compile",
}


def notes(tree: Tree, config: Config, assets: Iterable[str]) -> tuple[str, ...]:
    """Return a note for each hook that is dropped; none for what builds the assets, which the build does anyway.

    What stands under the same key of relbuild.yml is taken for it.
    """
    done = {*assets, *(key for key in STEPS.values() if getattr(config.builder.steps, key))}
    return tuple(
        f"{hook.at.brief}: {hook.name} isn't run: {instead}"
        for hook, key, instead in _instead(version_files.buildpack_hooks(tree))
        if hook.command not in done and key not in done
    )


def _instead(hooks: Iterable[Hook]) -> Iterator[tuple[Hook, str | None, str]]:
    for hook in hooks:
        key = STEPS.get(hook.name)
        if "ecto.migrate" in hook.command:
            yield hook, None, "a build reaches no database; relbuild migrate migrates where the app runs"
        elif "mix hex." in hook.command:
            yield hook, key, "Hex is logged in by the build itself, `builder: {repos: …}` in relbuild.yml says how"
        elif key is not None:
            yield hook, key, f"`builder: {{steps: {{{key}: […]}}}}` in relbuild.yml does the same"
        elif hook.name == "hook_compile":
            yield hook, None, "the build compiles by mix compile"
