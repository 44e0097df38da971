"""The UDP sockets of heartbeats: a voter's, which listen, and a sender's, which ask all addresses.

Garbage is dropped after one hash; a socket that fails says nothing, since the stream goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cib_store.messages.datagrams import opened, seal
from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.runtime.endpoint import Endpoint, host_and_port
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import store_pb2 as pb

RESOLVE_S = 5.0
"""How often names are looked up again."""
_BUFFER_BYTES = 1 << 20

Socket = asyncio.DatagramTransport
Heard = Callable[[pb.Beat], bool]


class BeatListener(asyncio.DatagramProtocol):
    """A voter's socket on one of its addresses."""

    def __init__(
        self, keys: ClusterKeys, voter: NodeName, heard: Heard, index: Callable[[], int]
    ) -> None:
        """`heard` is given each beat that is signed, and tells whether to answer it.

        `index`: how far watches were told, for the answers.
        """
        self._keys, self._voter, self._heard, self._index = keys, voter, heard, index
        self._socket: Socket | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep the socket for the answers."""
        self._socket = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Take a beat and answer it to where it came from."""
        datagram = opened(data, self._keys)
        if datagram is None or not datagram.HasField("beat") or self._socket is None:
            return
        beat = datagram.beat
        if self._heard(beat):
            answer = pb.BeatAck(
                sent_at_us=beat.sent_at_us,
                voter=self._voter,
                boot_id=beat.identity.boot_id,
                daemon=beat.daemon,
                index=self._index(),
            )
            self._socket.sendto(seal(pb.Datagram(answer=answer), self._keys), addr)


async def listen(
    endpoint: Endpoint,
    keys: ClusterKeys,
    voter: NodeName,
    heard: Heard,
    index: Callable[[], int],
    log: Log,
) -> list[Socket]:
    """Listen on every address of this voter's store; one that is not there is logged, no more."""
    loop = asyncio.get_running_loop()
    sockets: list[Socket] = []
    for address in endpoint.addresses:
        try:
            where = (await _looked_up(address))[0]
            made, _ = await loop.create_datagram_endpoint(
                lambda: BeatListener(keys, voter, heard, index), sock=_bound(where)
            )
        except (OSError, IndexError) as error:
            log.warning("no heartbeats by UDP", address=address, reason=error)
            continue
        sockets.append(made)
    return sockets


def _bound(where: tuple[socket.AddressFamily, Any]) -> socket.socket:
    made = socket.socket(where[0], socket.SOCK_DGRAM)
    try:
        if where[0] is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        made.setblocking(False)
        made.bind(where[1])
    except OSError:
        made.close()
        raise
    return made


async def _looked_up(address: str) -> list[tuple[socket.AddressFamily, Any]]:
    host, port = host_and_port(address)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    return [(socket.AddressFamily(family), where) for family, _, _, _, where in found]


class BeatCaller(asyncio.DatagramProtocol):
    """A sender's sockets: each datagram goes to every address of every voter."""

    def __init__(
        self,
        voters: Mapping[NodeName, Endpoint],
        keys: ClusterKeys,
        answered: Callable[[pb.BeatAck], None],
    ) -> None:
        """`answered` is given each signed answer; it has to check for whom it is."""
        self._voters, self._keys, self._answered = dict(voters), keys, answered
        self._sockets: dict[socket.AddressFamily, Socket] = {}
        self._changed = asyncio.Event()
        self._where: dict[str, list[tuple[socket.AddressFamily, Any]]] = {}

    def follow(self, voters: Mapping[NodeName, Endpoint]) -> None:
        """Send to these voters from now on."""
        self._voters = dict(voters)
        self._changed.set()

    async def run(self) -> None:
        """Open the sockets and look names up, again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        for family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):
                made, _ = await loop.create_datagram_endpoint(lambda: self, family=family)
                self._sockets[family] = made
        try:
            while True:
                self._changed.clear()
                await asyncio.gather(*map(self._look_up, self._addresses()))
                # Not `wait_for`, which loses a cancellation that comes with a change (Python 3.11).
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RESOLVE_S):
                        await self._changed.wait()
        finally:
            for each in self._sockets.values():
                each.close()

    async def _look_up(self, address: str) -> None:
        # A name that is not found now keeps what it was.
        with contextlib.suppress(OSError):
            self._where[address] = await _looked_up(address)

    def _addresses(self) -> Iterable[str]:
        return (address for voter in self._voters.values() for address in voter.addresses)

    def send(self, beat: pb.Beat) -> int:
        """Send to all; return how many bytes it took."""
        data = seal(pb.Datagram(beat=beat), self._keys)
        for address in self._addresses():
            for family, where in self._where.get(address, ()):
                made = self._sockets.get(family)
                if made is not None and not made.is_closing():
                    made.sendto(data, where)
        return len(data)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Take an answer."""
        datagram = opened(data, self._keys)
        if datagram is not None and datagram.HasField("answer"):
            self._answered(datagram.answer)
