"""Where enrolment keeps its records and where it listens."""

from __future__ import annotations

from pathlib import Path

from raftmaker.runtime.settings import Settings

ENROLMENT_PORT = 5409
"""TCP, open only while a token is valid."""
UNIT = "raftmaker-enrol.service"


def enrolment_directory(settings: Settings) -> Path:
    """Return the directory of the tokens' records."""
    return settings.state_dir / "enrolment"


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of this node, without ports and brackets."""
    return tuple(map(host_of, settings.me.store.addresses))


def host_of(address: str) -> str:
    """Return the host in ``host:port`` or ``[IPv6]:port``."""
    return address.rpartition(":")[0].strip("[]")


def with_port(host: str, port: int) -> str:
    """Return ``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
