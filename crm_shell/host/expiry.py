"""Until when this node's certificate and its authority are good, told before it bites."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.certificates import expires_at

WARN_DAYS = 30
_FILES = (("this node's certificate", "node.pem"), ("the cluster's authority", "authority.pem"))


class Expiry(Struct, frozen=True):
    """When one certificate ends."""

    what: str
    until: datetime
    days_left: int

    @property
    def is_near(self) -> bool:
        """Whether somebody must act now."""
        return self.days_left < WARN_DAYS

    def __str__(self) -> str:
        if self.days_left < 0:
            return f"{self.what} has expired on {self.until:%F}"
        return f"{self.what} is good until {self.until:%F}, {self.days_left} days"


def expiries(tls: Path | None, now: datetime) -> tuple[Expiry, ...]:
    """Return the ends of what can be read; nothing where one may not look, or there is nothing."""
    found = []
    for what, name in _FILES if tls is not None else ():
        try:
            assert tls is not None
            until = expires_at((tls / name).read_bytes())
        except (OSError, ValueError):
            continue
        found.append(Expiry(what, until, (until - now).days))
    return tuple(found)
