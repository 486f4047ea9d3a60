"""The labels by which an image carries its contract, so that nothing else is needed to run its commands."""

from __future__ import annotations

RELEASE = "io.relbuild.release"
VERSION = "io.relbuild.version"
ROOT = "io.relbuild.root"
# Calls for the release's eval; in the second VERSION is the version to go back to, and REPO[APP] the only Ecto
# repository of an application.
MIGRATE = "io.relbuild.migrate"
ROLLBACK = "io.relbuild.rollback"
PENDING = "io.relbuild.pending"
# The applications whose repositories Ecto migrates, with blanks between them.
ECTO_APPLICATIONS = "io.relbuild.ecto-applications"
# A command of the release's own that migrates, from its root: Phoenix's bin/migrate.
MIGRATE_COMMAND = "io.relbuild.migrate-command"
# The variables the release needs at boot, as JSON: relbuild.mix.environment.contract says its form.
ENVIRONMENT = "io.relbuild.environment"
# The project's own applications, with blanks between them.
APPLICATIONS = "io.relbuild.applications"
# The addresses of Hex repositories other than hex.pm that dependencies may be from: NAME=URL, with blanks between them.
REPOSITORIES = "io.relbuild.hex-repositories"
BUILT_BY = "io.relbuild.built-by"

# https://specs.opencontainers.org/image-spec/annotations/
OCI_TITLE = "org.opencontainers.image.title"
OCI_VERSION = "org.opencontainers.image.version"
OCI_BASE_NAME = "org.opencontainers.image.base.name"
OCI_BASE_DIGEST = "org.opencontainers.image.base.digest"

# On a container that relbuild started: the release it runs.
CONTAINER = "io.relbuild.container"

# On a container that was made to read an image's files, and is never started.
LOOKED_AT = "io.relbuild.looked-at"

# On a container that tries an image out.
TRIAL = "io.relbuild.trial"

# On the one-off container or service of a migration: what it migrates, and who started it.
MIGRATION = "io.relbuild.migration"
MIGRATED_BY = "io.relbuild.migration.by"
