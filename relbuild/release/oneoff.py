"""One-offs: a container or a Swarm job of one command, and what it gets of the app that runs beside it.

A one-off has a fixed name, so that the engine makes no second one while it exists: it is its own lock. The engine's
answers (https://docs.docker.com/reference/api/engine/) are the input. Values of variables stay apart from the options,
so that no argv has one. What gives a container its place among others (aliases, published ports, host name, replicas)
is left out: a one-off must not get the app's requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relbuild.endpoint import DEFAULT, Endpoint

# Of a Swarm service's name; a container's may be longer.
MAX_NAME = 63
_TMP = "/tmp"


@dataclass(frozen=True, slots=True)
class OneOff:
    """A container or job of one command: ``argv`` is its program with the arguments, ``env`` are names of variables.

    ``networks`` are further ones, which a container joins before it starts.
    """

    name: str
    image: str
    argv: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    container_labels: Mapping[str, str] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    endpoint: Endpoint = DEFAULT


def create_container(one_off: OneOff) -> tuple[str, ...]:
    """Return the argv that makes a container and prints its id; it fails where there is one of this name.

    It isn't started yet, so that it can join further networks and is known by its id.
    """
    return (*one_off.endpoint.docker, "create", *_shape(one_off, {**one_off.labels, **one_off.container_labels}))


def connect_container(one_off: OneOff) -> tuple[tuple[str, ...], ...]:
    """Return the argvs that let a container join its further networks."""
    return tuple((*one_off.endpoint.docker, "network", "connect", each, one_off.name) for each in one_off.networks)


def create_job(one_off: OneOff) -> tuple[str, ...]:
    """Return the argv that makes a Swarm service of one task that ends: no other container gets secrets and configs."""
    return (
        *one_off.endpoint.docker,
        *("service", "create", "--detach", "--quiet", "--with-registry-auth"),
        *("--mode", "replicated-job", "--restart-condition", "none"),
        *_options("--container-label", one_off.container_labels),
        *_shape(one_off, one_off.labels),
    )


def _shape(one_off: OneOff, labels: Mapping[str, str]) -> tuple[str, ...]:
    env = (word for each in one_off.env for word in ("--env", each))
    program, *arguments = one_off.argv
    return (
        # The app's health check would find no server here, and Swarm ends a task for that.
        *("--name", one_off.name, "--no-healthcheck", *_options("--label", labels), *one_off.options, *env),
        *("--entrypoint", program, one_off.image, *arguments),
    )


def _options(option: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for name, value in labels.items() for word in (option, f"{name}={value}"))


def lock_name(verb: str, target: str) -> str:
    """Return the name of the one-off of a target: with the target's own name where an engine allows it."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", target)
    name = f"relbuild-{verb}-{plain}"
    if plain == target and len(name) <= MAX_NAME:
        return name
    import hashlib

    digest = hashlib.sha256(target.encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME - len(digest) - 1]}-{digest}"


@dataclass(frozen=True, slots=True)
class CopiedOptions:
    """What a one-off gets of an app: variables with their values, docker's options, and further networks to join."""

    variables: Mapping[str, str]
    options: tuple[str, ...]
    networks: tuple[str, ...] = ()

    @property
    def brings_files(self) -> bool:
        """Whether there are secrets, configurations or mounts, from which an env.sh may read variables."""
        return any(option in ("--secret", "--config", "--mount") for option in self.options)

    @property
    def joined(self) -> tuple[str, ...]:
        """All its networks."""
        words = zip(self.options, self.options[1:], strict=False)
        return (*(value for option, value in words if option == "--network"), *self.networks)


def copy_container(container: Mapping[str, Any], image: Mapping[str, Any] | None) -> CopiedOptions:
    """Return what a container got on top of its image, for ``docker create``.

    ``image`` is None where the engine no longer has it: then the variables are also those of that image.
    """
    config, host = container["Config"], container["HostConfig"]
    own = (image or {}).get("Config") or {}
    mode, networks = _networks(container)
    return CopiedOptions(
        variables=_variables(config.get("Env"), own.get("Env")),
        options=(
            *("--network", mode),
            # Volumes and mounted directories as they are there, also those without a name; not what is in memory.
            *("--volumes-from", container["Id"]),
            *_in_memory(host),
            *_each("--add-host", host.get("ExtraHosts")),
            *_each("--dns", host.get("Dns")),
            *_each("--dns-search", host.get("DnsSearch")),
            *_each("--dns-option", host.get("DnsOptions")),
            *(("--user", config["User"]) if config.get("User") and config["User"] != own.get("User") else ()),
            *_each("--group-add", host.get("GroupAdd")),
        ),
        networks=networks,
    )


def copy_service(service: Mapping[str, Any]) -> CopiedOptions:
    """Return what a Swarm service gives its tasks, for ``docker service create``: secrets and configs by name."""
    task = service["Spec"]["TaskTemplate"]
    container = task["ContainerSpec"]
    dns = container.get("DNSConfig") or {}
    networks = [each["Target"] for each in task.get("Networks") or service["Spec"].get("Networks") or ()]
    mounts = list(container.get("Mounts") or ())
    if container.get("ReadOnly") and not any(mount["Target"] == _TMP for mount in mounts):
        mounts.append({"Type": "tmpfs", "Target": _TMP})
    return CopiedOptions(
        variables=_variables(container.get("Env"), None),
        options=(
            *_each("--network", networks),
            *_each("--secret", (_file(each, "Secret") for each in container.get("Secrets") or () if each.get("File"))),
            *_each("--config", (_file(each, "Config") for each in container.get("Configs") or () if each.get("File"))),
            *_each("--mount", map(_mount, mounts)),
            *(("--read-only",) if container.get("ReadOnly") else ()),
            *_each("--host", _hosts(container.get("Hosts"))),
            *_each("--dns", dns.get("Nameservers")),
            *_each("--dns-search", dns.get("Search")),
            *_each("--dns-option", dns.get("Options")),
            *(("--user", container["User"]) if container.get("User") else ()),
            *_each("--group", container.get("Groups")),
            *_each("--constraint", (task.get("Placement") or {}).get("Constraints")),
        ),
    )


def _networks(container: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the network a container starts in, and its further ones.

    ``host``, ``none`` and ``container:ID`` can't be combined with other networks.
    """
    mode = container["HostConfig"].get("NetworkMode") or "default"
    joined = tuple((container.get("NetworkSettings") or {}).get("Networks") or ())
    if mode in ("host", "none") or mode.startswith("container:"):
        return mode, ()
    first = mode if mode in joined else joined[0] if joined else mode
    return first, tuple(network for network in joined if network != first)


def _variables(env: Iterable[str] | None, image: Iterable[str] | None) -> dict[str, str]:
    """Return the variables that differ from the image's, by name: those of the new image come first.

    Sorted, as the engine's order changes.
    """
    own = set(image or ())
    given = [each.partition("=") for each in env or () if each not in own]
    # PATH is the image's own, also where the old image is gone.
    return {name: value for name, _, value in sorted(given) if name != "PATH"}


def _in_memory(host: Mapping[str, Any]) -> Iterator[str]:
    mounts = {path: f"{path}:{options}" if options else path for path, options in (host.get("Tmpfs") or {}).items()}
    typed = [mount for mount in host.get("Mounts") or () if mount["Type"] == "tmpfs"]
    if host.get("ReadonlyRootfs"):
        yield "--read-only"
        if _TMP not in (*mounts, *(mount["Target"] for mount in typed)):
            mounts[_TMP] = _TMP
    yield from _each("--tmpfs", mounts.values())
    yield from _each("--mount", map(_mount, typed))


def _mount(mount: Mapping[str, Any]) -> str:
    """Return a mount as ``--mount`` takes it."""
    bind, volume, memory = (mount.get(f"{kind}Options") or {} for kind in ("Bind", "Volume", "Tmpfs"))
    driver = volume.get("DriverConfig") or {}
    fields = [
        f"type={mount['Type']}",
        *_field("source", mount.get("Source")),
        f"target={mount['Target']}",
        *(("readonly",) if mount.get("ReadOnly") else ()),
        *_field("bind-propagation", bind.get("Propagation")),
        *(("volume-nocopy",) if volume.get("NoCopy") else ()),
        *_field("volume-subpath", volume.get("Subpath")),
        *_field("volume-driver", driver.get("Name")),
        *(f"volume-opt={name}={value}" for name, value in (driver.get("Options") or {}).items()),
        *_field("tmpfs-size", memory.get("SizeBytes")),
        *_field("tmpfs-mode", f"{memory['Mode']:o}" if memory.get("Mode") else None),
    ]
    return _csv(fields)


def _file(reference: Mapping[str, Any], kind: str) -> str:
    """Return a secret or config as ``--secret`` and ``--config`` take it: its name, and the file it becomes."""
    file = reference["File"]
    return _csv(
        [
            f"source={reference[f'{kind}Name']}",
            f"target={file['Name']}",
            *_field("uid", file.get("UID")),
            *_field("gid", file.get("GID")),
            *_field("mode", f"0{file['Mode']:o}" if file.get("Mode") is not None else None),
        ]
    )


def _hosts(entries: Iterable[str] | None) -> Iterator[str]:
    """Yield the entries of a service's /etc/hosts (``ADDRESS NAME…``) as ``--host`` takes them, ``NAME:ADDRESS``."""
    for entry in entries or ():
        address, *names = entry.split()
        yield from (f"{name}:{address}" for name in names)


def _field(name: str, value: object) -> tuple[str, ...]:
    return () if value in (None, "") else (f"{name}={value}",)


def _csv(fields: Iterable[str]) -> str:
    """Return fields as one line of CSV, which is how docker reads its long options (Go's encoding/csv)."""
    quoted = ('"{}"'.format(each.replace('"', '""')) if _needs_quotes(each) else each for each in fields)
    return ",".join(quoted)


def _needs_quotes(field: str) -> bool:
    return any(character in field for character in ',"\r\n') or field[:1].isspace()


def _each(option: str, values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(word for value in values or () for word in (option, value))
