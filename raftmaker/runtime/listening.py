"""Strangers who connect and say nothing: the kernel keeps them, and the daemon never sees them.

gRPC makes its listening sockets itself, so they are found among the files of this process.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_FILES = Path("/proc/self/fd")


def accept_only_speakers(ports: Iterable[int], within_s: int) -> int:
    """Take connections to these ports up when the other end has sent something (tcp(7)).

    In TLS it is the client that begins. `within_s`: how long the kernel waits for that. Returns
    for how many sockets that was done; where it cannot be, connections are taken up at once.
    """
    wanted, done = frozenset(ports), 0
    with suppress(OSError):
        for name in os.listdir(_FILES):
            with suppress(OSError):
                if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    continue
                with socket.socket(fileno=os.dup(int(name))) as found:
                    if _listens_at(found, wanted):
                        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, within_s)
                        done += 1
    return done


def _listens_at(found: socket.socket, ports: frozenset[int]) -> bool:
    if found.family not in (socket.AF_INET, socket.AF_INET6) or found.type != socket.SOCK_STREAM:
        return False
    listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    return bool(listens) and found.getsockname()[1] in ports
