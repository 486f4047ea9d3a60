"""What an app that runs gets from outside, as options for a one-off container or task that is to get the same.

The input is what the engine answers: https://docs.docker.com/reference/api/engine/. Values of variables stay apart from
the options, so that none stands in an argv. What gives a container its place among others (aliases, published ports,
host name, replicas) is left out: a one-off must not get the app's requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TMP = "/tmp"


@dataclass(frozen=True, slots=True)
class Copied:
    """Variables with their values, docker's options, and further networks, to be joined before the start."""

    variables: Mapping[str, str]
    options: tuple[str, ...]
    networks: tuple[str, ...] = ()

    @property
    def brings_files(self) -> bool:
        """Whether secrets, configurations or mounts come along, from which an env.sh may take variables."""
        return any(option in ("--secret", "--config", "--mount") for option in self.options)

    @property
    def joined(self) -> tuple[str, ...]:
        """All networks it is to be in."""
        words = zip(self.options, self.options[1:], strict=False)
        return (*(value for option, value in words if option == "--network"), *self.networks)


def of_container(container: Mapping[str, Any], image: Mapping[str, Any] | None) -> Copied:
    """Return what a container was given on top of its image, for ``docker create``.

    ``image`` is None where the engine no longer has it: then the variables are also those of that image.
    """
    config, host = container["Config"], container["HostConfig"]
    own = (image or {}).get("Config") or {}
    mode, networks = _networks(container)
    return Copied(
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


def of_service(service: Mapping[str, Any]) -> Copied:
    """Return what a Swarm service gives its tasks, for ``docker service create``: secrets and configs by name."""
    task = service["Spec"]["TaskTemplate"]
    container = task["ContainerSpec"]
    dns = container.get("DNSConfig") or {}
    networks = [each["Target"] for each in task.get("Networks") or service["Spec"].get("Networks") or ()]
    mounts = list(container.get("Mounts") or ())
    if container.get("ReadOnly") and not any(mount["Target"] == _TMP for mount in mounts):
        mounts.append({"Type": "tmpfs", "Target": _TMP})
    return Copied(
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
    """Return the network a container starts in, and those it is also in.

    ``host``, ``none`` and ``container:ID`` are no networks that one could join beside others.
    """
    mode = container["HostConfig"].get("NetworkMode") or "default"
    joined = tuple((container.get("NetworkSettings") or {}).get("Networks") or ())
    if mode in ("host", "none") or mode.startswith("container:"):
        return mode, ()
    first = mode if mode in joined else joined[0] if joined else mode
    return first, tuple(network for network in joined if network != first)


def _variables(env: Iterable[str] | None, image: Iterable[str] | None) -> dict[str, str]:
    """Return the variables that an image doesn't have just so, by name: those of the new image are to hold.

    The engine tells them now in one order, now in another.
    """
    own = set(image or ())
    given = [each.partition("=") for each in env or () if each not in own]
    # Where programs are found is a matter of the image, also where the old one is gone.
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
