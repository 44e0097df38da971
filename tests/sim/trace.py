"""What happened, in order: a hash that two runs of a seed share, and the last lines to read."""

from __future__ import annotations

import hashlib
from collections import deque

from tests.sim.loop import Loop

KEPT = 4_000


class Trace:
    """Collects one line an occurrence; `digest` covers all of them, `tail` keeps the newest."""

    def __init__(self, loop: Loop, *, kept: int = KEPT) -> None:
        self._loop = loop
        self._hash = hashlib.blake2b(digest_size=16)
        self._lines: deque[str] = deque(maxlen=kept)
        self.count = 0

    def __call__(self, where: str, what: str) -> None:
        """Note that `what` happened at `where`, now."""
        line = f"{self._loop.now_us / 1e6:11.6f} {where:<14} {what}"
        self._hash.update(line.encode())
        self._lines.append(line)
        self.count += 1

    @property
    def digest(self) -> str:
        """Hash of everything so far, as hex."""
        return self._hash.hexdigest()

    def tail(self, lines: int = KEPT) -> list[str]:
        """Return the newest lines, oldest first."""
        return list(self._lines)[-lines:]
