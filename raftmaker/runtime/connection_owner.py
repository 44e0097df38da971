"""Whose process is at the other end of a TCP connection within this machine, as the kernel has it.

Only for clusters without certificates, which may use nothing but loopback.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

_PEER = re.compile(r"ipv[46]:\[?(?P<host>[^\]]+?)\]?:(?P<port>\d+)")
_TABLES = {4: Path("/proc/net/tcp"), 16: Path("/proc/net/tcp6")}
"""By the length of an address in bytes."""
_ESTABLISHED = "01"
"""A connection that is over belongs to nobody, and the table would say root."""


def owner_of_connection(peer: str, port: int) -> int | None:
    """Return the user id of the process at the other end of a TCP connection on this machine.

    `peer`: its address as gRPC tells it; `port`: ours. None where no such connection is open.
    """
    match = _PEER.fullmatch(peer.replace("%5B", "[").replace("%5D", "]"))
    if match is None:
        return None
    try:
        address = ipaddress.ip_address(match["host"])
    except ValueError:
        return None
    for packed in _forms(address):
        wanted = f"{_kernel_form(packed)}:{int(match['port']):04X}"
        owner = _owner(_TABLES[len(packed)], wanted, f":{port:04X}")
        if owner is not None:
            return owner
    return None


def _forms(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[bytes]:
    """Yield the address as either family's sockets have it: one of version 6 speaks both."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else address
    yield address.packed
    if mapped is not None:
        yield mapped.packed
        yield ipaddress.IPv6Address(f"::ffff:{mapped}").packed


def _owner(table: Path, local: str, remote_end: str) -> int | None:
    try:
        rows = table.read_text("ascii").splitlines()[1:]
    except OSError:
        return None
    for row in rows:
        fields = row.split()
        is_meant = fields[1] == local and fields[2].endswith(remote_end)
        if is_meant and fields[3] == _ESTABLISHED:
            return int(fields[7])
    return None


def _kernel_form(packed: bytes) -> str:
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    return "".join(f"{int.from_bytes(word, 'little'):08X}" for word in words)
