"""Where a peer's daemon listens, and how both ends prove who they are."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


class Credentials(Struct, frozen=True, kw_only=True):
    """What a node shows and whom it trusts, as PEM."""

    authority: bytes
    certificate: bytes
    key: bytes

    def now(self) -> Credentials:
        """Return themselves: these stay as they are."""
        return self


class ShowsCredentials(Protocol):
    """Where a node's credentials come from: they may be exchanged while it runs (`Keyring`)."""

    def now(self) -> Credentials:
        """Return those to be shown now; the same object until they change."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """One daemon's ``host:port`` on the node `node`, and the `others` at which it listens as well.

    `credentials` are this process's own; with them the connection is mutual TLS and the other end
    must show a certificate for `node`. Without them only loopback may be used.
    """

    node: NodeName
    address: str
    others: tuple[str, ...] = ()
    credentials: ShowsCredentials | None = None
    """Not shown: they hold the key."""

    def __str__(self) -> str:
        return " or ".join(self.addresses)

    def __repr__(self) -> str:
        return f"Endpoint({self.node}: {self})"

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, in order of preference."""
        return (self.address, *self.others)

    @property
    def is_safe(self) -> bool:
        """Whether it may be used: it stays on this machine, or both ends prove who they are."""
        return self.credentials is not None or all(map(is_loopback, self.addresses))


Target = Path | Endpoint
"""A unix socket on this node, or a peer's endpoint."""


def is_address(text: str) -> bool:
    """Tell whether `text` is ``host:port`` or ``[IPv6]:port``."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match["port"]) < 65536


def host_and_port(address: str) -> tuple[str, int]:
    """Return the parts of an address; brackets of IPv6 are gone. It must be one (`is_address`)."""
    match = _ADDRESS.fullmatch(address)
    assert match is not None, f"{address} was checked when the settings were read"
    return match["v6"] or match["host"], int(match["port"])


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
