"""What the build must not see: the .dockerignore of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relbuild import templates
from relbuild.image.plan.plan import Plan
from relbuild.image.plan.sources import DOCUMENTS, LITTER, IgnoreGroup, literal_pattern, reinclusions

# In each Mix project: what Mix and its tasks make, tests and documents.
MADE_BY_MIX = ("deps/", "test/", "cover/", *DOCUMENTS)

COMPILED = IgnoreGroup(
    "Compiled and fetched for this machine, not for the image",
    (
        "**/_build/",
        "deps/",
        "**/node_modules/",
        "**/.elixir_ls/",
        "**/.lexical/",
        "**/.expert/",
        "**/.mix/",
        "*.ez",
        "**/erl_crash.dump",
    ),
)
UNRELATED = IgnoreGroup(
    "Not part of the release",
    (
        "**/.git",
        ".github/",
        ".gitlab-ci.yml",
        ".circleci/",
        ".dockerignore",
        "Dockerfile*",
        "cover/",
        *DOCUMENTS,
        "test/",
        "tmp/",
        "*.log",
    ),
)
SECRET = IgnoreGroup(
    "May hold secrets",
    (
        "**/.env",
        "**/.env.*",
        "**/.envrc",
        "**/*.env",
        "**/*.pem",
        "**/*.key",
        "**/*.p12",
        "**/*.pfx",
        "**/id_rsa*",
        "**/id_ed25519*",
        "**/.netrc",
        "**/.npmrc",
        "**/.git-credentials",
        "**/.hex/",
        "**/.ssh/",
        "**/.aws/",
        "**/.docker/",
        "**/.kube/",
        "**/kubeconfig*",
        "**/*.tfstate*",
        "**/credentials*.json",
        # Not [-_]: BuildKit refuses the file for a hyphen at the edge of a class (Go, path/filepath.Match).
        "**/service-account*.json",
        "**/service_account*.json",
    ),
)
_PRIV = "What a project keeps in priv/ and in rel/overlays/ belongs to its release, certificates too"


def render_plain_dockerignore() -> str:
    """Return what is left out of any project's build."""
    kept = IgnoreGroup(_PRIV, ("!priv/**", "!apps/*/priv/**", "!rel/overlays/**"))
    return templates.render("dockerignore.j2", groups=(COMPILED, UNRELATED, SECRET, kept, LITTER))


def render_dockerignore(plan: Plan) -> str:
    """Return the .dockerignore's text."""
    groups = tuple(_groups(plan))
    source = plan.sources.context.source
    named = reinclusions([pattern for group in groups for pattern in group.patterns], map(source, _named(plan)))
    all_groups = (*groups, IgnoreGroup("What the Dockerfile names is wanted all the same", named))
    return templates.render("dockerignore.j2", groups=tuple(group for group in all_groups if group.patterns))


def _groups(plan: Plan) -> Iterator[IgnoreGroup]:
    """Yield the groups in the order in which they count: what comes later has the last word."""
    source = plan.sources.context.source
    own = [plan.sources.context.base]
    others = [source(path) for path in plan.sources.projects]
    yield IgnoreGroup(COMPILED.why, _also_in(own, COMPILED.patterns))
    yield IgnoreGroup(UNRELATED.why, _also_in(own, UNRELATED.patterns))
    yield IgnoreGroup(
        "Dependencies all the same", tuple(f"!{literal_pattern(source(path))}/" for path in plan.sources.kept)
    )
    # A dependency that lies in deps/ has been taken back whole, with what it has compiled.
    kept = [source(path) for path in plan.sources.kept]
    theirs = (*_in(others, MADE_BY_MIX), *_in(kept, (*COMPILED.patterns, *UNRELATED.patterns)))
    yield IgnoreGroup("The same for the other Mix projects in here", tuple(dict.fromkeys(theirs)))
    read = tuple(f"!{pattern}" for pattern in _in((*own, *others), plan.sources.documents))
    yield IgnoreGroup("Code reads them", read)
    yield SECRET
    installs = plan.assets.node.installs if plan.assets.node is not None else ()
    logins = tuple(literal_pattern(source(path)) for install in installs for path in install.of.kept_out)
    yield IgnoreGroup("Hold a password or token", logins)
    overlays = _in(own, ("rel/overlays/**",))
    yield IgnoreGroup(_PRIV, tuple(f"!{pattern}" for pattern in (*_in((*own, *others), ("priv/**",)), *overlays)))
    yield LITTER
    (here,) = _in(own, ("",))
    yield IgnoreGroup("Built again, as .gitignore has it", _below(here, plan.assets.made))
    yield IgnoreGroup("As relbuild.yml has it (builder.ignore)", _below(here, plan.sources.ignored))


def _below(directory: str, patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"!{directory}{each[1:]}" if each.startswith("!") else f"{directory}{each}" for each in patterns)


def _also_in(directories: Iterable[str], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the patterns for the context's root, and for the directories where these are others."""
    anchored = tuple(pattern for pattern in patterns if not pattern.startswith("**/"))
    return (*patterns, *_in([each for each in directories if each], anchored))


def _in(directories: Iterable[str], patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{literal_pattern(directory)}/{pattern}" if directory else pattern
        for directory in directories
        for pattern in patterns
    )


def _named(plan: Plan) -> Iterable[str]:
    """Yield what the Dockerfile names."""
    sources = plan.sources
    yield from (*sources.manifests, *sources.compile_config, *sources.files, *sources.beside, *sources.late)
    yield from sources.directories
    yield from plan.builder.access.files
    if plan.assets.node is not None:
        yield from (file for install in plan.assets.node.installs for file in install.of.needs)


def dockerignore_name(plan: Plan) -> str:
    """Return the name of the ignore file: a context other than the project has its own beside the Dockerfile."""
    return "Dockerfile.dockerignore" if plan.sources.context.base else ".dockerignore"
