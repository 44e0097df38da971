"""The socket that users connect to: it asks the kernel who each of them is, and passes bytes on.

gRPC does not say whose process is at the other end of a unix socket. So the daemon serves on a
private socket that only its own user and root can reach, and this listens on the one for everybody:
for each connection it notes the peer's credentials (SO_PEERCRED) under a name of its own, binds
that name, and connects to the private socket. The service finds the name as the caller's address.
A caller that is found under no name is nobody.
"""

from __future__ import annotations

import asyncio
import grp
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.logs import Log

GROUP = "haclient"
"""The group of those who may use the cluster (features 24.4)."""
CONNECTIONS_MAX = 512
"""At a time; further ones are closed at once."""
_BUFFER_BYTES = 256 * 1024
_CREDENTIALS = struct.Struct("3i")


class Credentials(Struct, frozen=True):
    """Who is at the other end of a connection, as the kernel has it from its start."""

    pid: int
    uid: int
    gid: int


class Front:
    """Listens for everybody and knows who they are."""

    def __init__(self, public: Path, private: Path, log: Log) -> None:
        """Name the sockets; nothing is opened yet."""
        self._public, self._private, self._log = public, private, log
        self._known: dict[str, Credentials] = {}
        self._pumps: set[asyncio.Task[None]] = set()
        self._count = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on the public socket: mode 0660, for the group that the cluster's users are in."""
        self._public.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, self._public)
        open_to_group(self._public)

    async def close(self) -> None:
        """End every connection and remove the socket."""
        if self._server is not None:
            self._server.close()
            self._public.unlink(missing_ok=True)
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def credentials(self, peer: str) -> Credentials | None:
        """Return who is behind an address as gRPC tells it; None where nobody is known."""
        return self._known.get(peer.removeprefix("unix-abstract:"))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        credentials = _credentials(writer.get_extra_info("socket"))
        if len(self._known) >= CONNECTIONS_MAX:
            self._log.warning("too many connections", uid=credentials.uid, pid=credentials.pid)
            writer.close()
            return
        self._count += 1
        name = f"raftmaker-front-{os.getpid()}-{id(self)}-{self._count}"
        self._known[name] = credentials
        try:
            await self._pass_on(name, reader, writer)
        except asyncio.CancelledError:
            pass  # closed; asyncio would tell the log of a task that ends so
        except OSError as error:
            self._log.debug("connection ends", uid=credentials.uid, reason=error)
        finally:
            writer.close()
            del self._known[name]

    async def _pass_on(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        inner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        inner.setblocking(False)
        try:
            inner.bind(f"\0{name}")
            await asyncio.get_running_loop().sock_connect(inner, str(self._private))
            back, onward = await asyncio.open_unix_connection(sock=inner, limit=_BUFFER_BYTES)
        except OSError:
            inner.close()
            raise
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, onward))
                both.create_task(_pump(back, writer))
        except* ConnectionError:
            pass
        finally:
            onward.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until the end; an end on one side ends the connection."""
    while data := await reader.read(_BUFFER_BYTES):
        writer.write(data)
        await writer.drain()
    writer.close()
    raise ConnectionResetError


def _credentials(connection: socket.socket) -> Credentials:
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Credentials(*_CREDENTIALS.unpack(data))


def open_to_group(path: Path) -> None:
    """Let the group that the cluster's users are in use a socket; where there is none, our own."""
    with suppress(KeyError, PermissionError):
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
    path.chmod(0o660)
