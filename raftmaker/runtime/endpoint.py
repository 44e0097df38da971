"""Where a peer's daemon listens, and how both ends prove who they are."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from raftmaker.vocabulary.ids import NodeName

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a node shows and whom it trusts, as PEM."""

    authority: bytes
    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One daemon's ``host:port`` on the node `node`.

    `credentials` are this process's own; with them the connection is mutual TLS and the other end
    must show a certificate for `node`. Without them only loopback may be used.
    """

    node: NodeName
    address: str
    credentials: Credentials | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.address

    @property
    def is_safe(self) -> bool:
        """Whether it may be used: it stays on this machine, or both ends prove who they are."""
        return self.credentials is not None or is_loopback(self.address)


Target = Path | Endpoint
"""A unix socket on this node, or a peer's endpoint."""


def is_address(text: str) -> bool:
    """Tell whether `text` is ``host:port`` or ``[IPv6]:port``."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match["port"]) < 65536


def is_loopback(address: str) -> bool:
    """Tell whether ``host:port`` stays on this machine; of names only localhost counts."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return False
    host = match["v6"] or match["host"]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
