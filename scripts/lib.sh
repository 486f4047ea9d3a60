# shellcheck shell=sh
# What the scripts share. Sourced, never run; the script that sources it sets -eu.

# One line to standard error: standard output belongs to results.
say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# Ends the script: "there is no engine, or one that is too old" has exit code 4, as in relbuild itself.
no_engine() {
    say "$*"
    exit 4
}

is_root() {
    [ "$(id -u)" -eq 0 ]
}

# True on Debian, Ubuntu and what derives from them.
is_debian() {
    command -v apt-get >/dev/null 2>&1 || return 1
    (
        # shellcheck source=/dev/null
        . /etc/os-release
        case " ${ID:-} ${ID_LIKE:-} " in *" debian "* | *" ubuntu "*) exit 0 ;; *) exit 1 ;; esac
    )
}

# The codename of this machine's distribution, such as bookworm.
codename() {
    (
        # shellcheck source=/dev/null
        . /etc/os-release
        printf '%s\n' "${VERSION_CODENAME:-}"
    )
}

# Runs a command for at most $1 seconds, where the machine has timeout: macOS has none.
within() {
    if command -v timeout >/dev/null 2>&1; then
        timeout "$@"
    else
        shift
        "$@"
    fi
}

# True when an engine answers the client that stands first on PATH.
engine_answers() {
    command -v docker >/dev/null 2>&1 && within 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# The apt sources of this machine, one "SUITE ADDRESS" a line. apt itself is asked: it reads .sources and one-line files.
apt_sources() {
    # shellcheck disable=SC2016 # apt expands these.
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk '$2 == "main" { print $1, $3 }' | while read -r suite address; do
        printf '%s %s\n' "$suite" "$(resolve_mirror "$address")"
    done
}

# The address $1, or the first of the list it names: cloud images write mirror+file:/etc/apt/mirrors/debian.list.
resolve_mirror() {
    case $1 in
    mirror+file:*)
        list=${1#mirror+file:}
        awk 'NF && $1 !~ /^#/ { print $1; exit }' "${list%/}"
        ;;
    *) printf '%s\n' "$1" ;;
    esac
}

# The address of the repository in this machine's apt sources that has the suite $1, and nothing when none has it. Third
# parties name their suites like the distribution's (some down to "bookworm main"), but only the distribution's own
# repository has an -updates suite beside it.
repository_of() {
    apt_sources | awk -v suite="$1" '
        $1 == suite { candidates[++count] = $2 }
        { offered[$1, $2] = 1 }
        END {
            for (i = 1; i <= count; i++) if ((suite "-updates", candidates[i]) in offered) { print candidates[i]; exit }
            if (count) print candidates[1]
        }'
}

# The address of Debian's security archive in this machine's apt sources, and nothing when they have none.
security_repository() {
    apt_sources | awk '$1 ~ /-security$/ { print $2; exit }'
}

# Installs packages from the distribution's own repository; arguments are apt-get's.
apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq -o Dpkg::Use-Pty=0 "$@" >&2
}

# A source that doesn't answer must not stop us when the others have what is needed: the install tells.
apt_update() {
    apt-get update -qq >&2 || say "some apt sources did not answer; going on with the others"
}
