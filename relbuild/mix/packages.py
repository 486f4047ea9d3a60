"""The Debian packages a toolchain and a running release need."""

from __future__ import annotations

from relbuild.mix.toolchains import DEBIAN_ELIXIR, OPENSSL

_COMPILING = ("build-essential", "ca-certificates", "git")
# Elixir's package depends on what its compiler needs; a release may list any other application of OTP.
_OTP = ("erlang-dev", "erlang-nox")


def runtime_packages(provider: str, debian: str) -> tuple[str, ...]:
    """Return the packages with the shared libraries that ERTS, crypto and ssl are linked against, sorted by name.

    From the Depends of Debian's erlang-base and erlang-crypto, and for the other providers from what hexpm/bob's
    Dockerfiles build hexpm/erlang with.
    """
    libraries = ["libgcc-s1", OPENSSL[debian], "libstdc++6", "libtinfo6", "zlib1g"]
    if provider == "debian":
        # Debian's epmd can be started by systemd's sockets.
        libraries.append("libsystemd0")
        if debian in ("forky", "sid"):
            libraries.append("libsctp1")
    return tuple(sorted(libraries))


def toolchain_packages(provider: str, debian: str, *, on_debian: bool = False, rebar3: bool = True) -> tuple[str, ...]:
    """Return what apt installs in the toolchain stage so that dependencies, C code among them, compile; sorted.

    ``on_debian`` tells that the builder image is a plain Debian, which has no OTP of its own; ``rebar3`` that a
    dependency may need it. An image of the user's own gets nothing: it may not even be a Debian with apt.
    """
    if provider == "image":
        return ()
    packages = list(_COMPILING)
    if provider == "debian":
        packages.append("elixir")
        if DEBIAN_ELIXIR[debian].has_hex:
            packages.append("erlang-hex")
    if provider == "debian" or (provider == "source" and on_debian):
        packages += _OTP
        if rebar3:
            packages.append("rebar3")
    return tuple(sorted(packages))
