"""Forward TCP connections between the host's loopback address and a network namespace.

fwd.py NAMESPACE_PATH in:HOST_PORT:ADDRESS:PORT ...   127.0.0.1:HOST_PORT of the host to ADDRESS:PORT of the namespace
                      out:ADDRESS:PORT:HOST_PORT ...  ADDRESS:PORT of the namespace to 127.0.0.1:HOST_PORT of the host
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import Callable

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LOOPBACK = "127.0.0.1"


def enter(namespace: int) -> None:
    """Enter a network namespace, given as an open file; raise OSError."""
    if LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def made_in(namespace: int, host: int, make: Callable[[], socket.socket]) -> socket.socket:
    """Return a socket of a namespace: a socket belongs to the namespace in which it is made."""
    enter(namespace)
    try:
        return make()
    finally:
        enter(host)


def listener(address: str, port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(128)
    made.setblocking(False)
    return made


def connector() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    return made


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream, and end the other one."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def serve(listening: socket.socket, namespace: int, host: int, target: tuple[str, int]) -> None:
    """Forward each connection of a listener to an address of a namespace."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = made_in(namespace, host, connector)
        try:
            await asyncio.get_running_loop().sock_connect(connection, target)
            back, there = await asyncio.open_connection(sock=connection)
        except OSError:
            connection.close()
            writer.close()
            return
        await asyncio.gather(copy(reader, there), copy(back, writer), return_exceptions=True)
        there.close()
        writer.close()

    server = await asyncio.start_server(forward, sock=listening)
    await server.serve_forever()


async def main() -> None:
    host, inside = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(sys.argv[1], os.O_RDONLY)
    servers = []
    for forward in sys.argv[2:]:
        direction, *rest = forward.split(":")
        if direction == "in":
            outer, address, port = rest
            listening = made_in(host, host, lambda port=int(outer): listener(LOOPBACK, port))
            servers.append(serve(listening, inside, host, (address, int(port))))
        else:
            address, port, outer = rest
            listening = made_in(inside, host, lambda address=address, port=int(port): listener(address, port))
            servers.append(serve(listening, host, host, (LOOPBACK, int(outer))))
    await asyncio.gather(*servers)


asyncio.run(main())
