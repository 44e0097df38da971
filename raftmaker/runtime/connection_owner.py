"""Whose process is at the other end of a TCP connection within this machine, as the kernel has it.

Only for clusters without certificates, which may use nothing but loopback.
"""

from __future__ import annotations

import socket
from pathlib import Path

_ESTABLISHED = "01"
"""A connection that is over belongs to nobody, and the table would say root."""


def owner_of_connection(peer: str, port: int) -> int | None:
    """Return the user id of the process at the other end of a TCP connection on this machine.

    `peer`: its address as gRPC tells it; `port`: ours. None where no such connection is open.
    """
    family, _, address = peer.partition(":")
    host, _, number = address.replace("%5B", "[").replace("%5D", "]").rpartition(":")
    try:
        if family == "ipv4":
            table, packed = "/proc/net/tcp", socket.inet_pton(socket.AF_INET, host)
        elif family == "ipv6":
            table, packed = "/proc/net/tcp6", socket.inet_pton(socket.AF_INET6, host.strip("[]"))
        else:
            return None
        wanted = f"{_kernel_form(packed)}:{int(number):04X}"
        rows = Path(table).read_text("ascii").splitlines()[1:]
    except (OSError, ValueError):
        return None
    for row in rows:
        fields = row.split()
        is_ours = fields[1] == wanted and fields[2].endswith(f":{port:04X}")
        if is_ours and fields[3] == _ESTABLISHED:
            return int(fields[7])
    return None


def _kernel_form(packed: bytes) -> str:
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    return "".join(f"{int.from_bytes(word, 'little'):08X}" for word in words)
