"""The ports of a daemon: why one cannot be had, and strangers at those that it has.

Who says nothing is kept by the kernel, who wants too much is cut off. gRPC makes and takes up its
sockets itself, so they are found among the files of this process, and it does not say what failed.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from raftmaker.runtime.endpoint import host_and_port
from raftmaker.vocabulary.reports import Report

_FILES = Path("/proc/self/fd")
_MENDS = {
    errno.EADDRINUSE: "'ss -Hltnp sport = :{port}' says who listens there: end that, or give this"
    " daemon another port in the raftmaker.toml of every node",
    errno.EADDRNOTAVAIL: "'ip -br address' shows what this node has: bring {host} up, or mend the"
    " node's entry in raftmaker.toml",
    errno.EACCES: "ports below 1024 are for root: give this daemon another one in raftmaker.toml",
}


def why_not(address: str) -> Report:
    """Say why nobody can listen at ``host:port`` here, and what mends it, by trying it."""
    host, port = host_and_port(address)
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.create_server(where[:2], family=family):
            pass
    except socket.gaierror as error:
        what = f"the name of this node's address is not known: {error.strerror}"
        mend = f"write {host} into /etc/hosts, or an address into raftmaker.toml"
    except OSError as error:
        what = os.strerror(error.errno) if error.errno else str(error)
        mend = _MENDS.get(error.errno or 0, "").format(host=host, port=port)
    else:
        what, mend = "it could not be listened at, and can be now", "start the daemon again"
    return Report(code="cannot-listen", where=address, what=what, mend=mend)


def accept_only_speakers(ports: Iterable[int], within_s: int) -> int:
    """Take connections to these ports up when the other end has sent something (tcp(7)).

    In TLS it is the client that begins. `within_s`: how long the kernel waits for that. Returns
    for how many sockets that was done; where it cannot be, connections are taken up at once.
    """
    wanted, done = frozenset(ports), 0
    for found in _sockets():
        with suppress(OSError):
            if _listens_at(found, wanted):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, within_s)
                done += 1
    return done


def cut_off_crowds(ports: Iterable[int], most: int) -> int:
    """End the newest connections of each address that has more than `most` to these ports.

    Returns how many were ended. Costs one look at a directory while this process has fewer files.
    """
    with suppress(OSError):
        if len(os.listdir(_FILES)) <= most:
            return 0
    wanted, ended = frozenset(ports), 0
    by_address: defaultdict[str, list[tuple[int, socket.socket]]] = defaultdict(list)
    for found in _sockets():
        with suppress(OSError):
            if found.family in _INTERNET and found.getsockname()[1] in wanted:
                # The kernel numbers sockets about in the order in which they come (each processor
                # has numbers in hand), and which of one address are cut off matters little.
                number = os.fstat(found.fileno()).st_ino
                by_address[found.getpeername()[0]].append((number, found.dup()))
    for crowd in by_address.values():
        crowd.sort(key=lambda one: one[0])
        for place, (_, connection) in enumerate(crowd):
            with connection, suppress(OSError):
                if place >= most:
                    connection.shutdown(socket.SHUT_RDWR)
                    ended += 1
    return ended


_INTERNET = (socket.AF_INET, socket.AF_INET6)


def _sockets() -> Iterator[socket.socket]:
    """Yield a copy of each socket of this process; it is closed when the next one is asked for."""
    with suppress(OSError):
        for name in os.listdir(_FILES):
            with suppress(OSError):
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    with socket.socket(fileno=os.dup(int(name))) as found:
                        yield found


def _listens_at(found: socket.socket, ports: frozenset[int]) -> bool:
    if found.family not in _INTERNET or found.type != socket.SOCK_STREAM:
        return False
    listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    return bool(listens) and found.getsockname()[1] in ports
