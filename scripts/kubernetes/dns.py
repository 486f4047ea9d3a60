"""Cluster DNS with A records alone: Services and headless Services by name, over UDP, read from the API every second.

dns.py APISERVER CA CERTIFICATE KEY ADDRESS
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

A = 1
NAME_ERROR = 3
TTL = 2


class Names:
    """The addresses of each name of the cluster."""

    def __init__(self, server: str, context: ssl.SSLContext) -> None:
        self._server, self._context = urlsplit(server), context
        self.table: dict[str, list[str]] = {}

    def follow(self) -> None:
        """Read the API again and again."""
        while True:
            try:
                self.table = self._read()
            except (OSError, ValueError, http.client.HTTPException) as error:
                sys.stderr.write(f"the API server: {error}\n")
            time.sleep(1)

    def _read(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        endpoints = {_key(each): each for each in self._items("endpoints")}
        for service in self._items("services"):
            namespace, name = _key(service)
            base = f"{name}.{namespace}.svc.cluster.local"
            address = service["spec"].get("clusterIP")
            if address and address != "None":
                found[base] = [address]
                continue
            found[base] = []
            for subset in endpoints.get((namespace, name), {}).get("subsets") or ():
                pods = list(subset.get("addresses") or ())
                if service["spec"].get("publishNotReadyAddresses"):
                    pods += subset.get("notReadyAddresses") or ()
                for pod in pods:
                    found[base].append(pod["ip"])
                    if pod.get("hostname"):
                        found.setdefault(f"{pod['hostname']}.{base}", []).append(pod["ip"])
        return found

    def _items(self, kind: str) -> list[dict[str, Any]]:
        host, port = self._server.hostname or "", self._server.port
        connection = http.client.HTTPSConnection(host, port, context=self._context, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{kind}")
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"{kind}: status {response.status}")
            return list(json.loads(response.read())["items"])
        finally:
            connection.close()


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def answer(query: bytes, table: dict[str, list[str]]) -> bytes:
    """Return the response to a query of one question (RFC 1035, section 4.1)."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    known = table.get(".".join(labels))
    addresses = (known or []) if kind == A else []
    flags = 0x8580 | (NAME_ERROR if known is None else 0)
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
    # 0xC00C points to the name of the question.
    records = (struct.pack("!HHHIH", 0xC00C, A, 1, TTL, 4) + socket.inet_aton(each) for each in addresses)
    return head + query[12 : at + 5] + b"".join(records)


def main() -> None:
    server, authority, certificate, key, address = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    names = Names(server, context)
    threading.Thread(target=names.follow, daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((address, 53))
        while True:
            query, client = listener.recvfrom(4096)
            try:
                listener.sendto(answer(query, names.table), client)
            except (IndexError, UnicodeDecodeError, struct.error, OSError) as error:
                sys.stderr.write(f"a query of {client}: {error}\n")


main()
