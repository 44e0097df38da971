"""The state machine of the simulated store: registers, a counter, and who asked for what last.

Small on purpose: the engine is under test. Sessions work as the store's do: a request that was done
is not done again, its first outcome is told once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from msgspec import Struct, field


class Request(Struct, frozen=True, kw_only=True):
    """One change; `expected` is set for a compare-and-set."""

    client: str
    sequence: int
    register: str
    value: str
    expected: str | None = None

    def encode(self) -> bytes:
        """Return the entry."""
        parts = [self.client, self.sequence, self.register, self.value, self.expected]
        return json.dumps(parts).encode()


def decode(entry: bytes) -> Request:
    """Read an entry."""
    client, sequence, register, value, expected = json.loads(entry)
    return Request(
        client=client, sequence=sequence, register=register, value=value, expected=expected
    )


class Machine(Struct):
    """What one voter has made of the log."""

    once: bool = True
    """Planted: a request that is asked again is done again."""
    index: int = 0
    registers: dict[str, str] = field(default_factory=dict)
    done: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The last request of each client, and what became of it."""
    carried_out: tuple[str, int] | None = None
    """Client and number of the request that the last entry made happen."""
    chain: str = ""
    """Hash of every entry applied so far, in order."""

    def prepare(self, entry: bytes) -> None:
        """There is nothing to do beforehand."""

    def apply(self, index: int, entry: bytes) -> bytes:
        """Apply one entry."""
        self.index = index
        self.chain = hashlib.blake2b(self.chain.encode() + entry, digest_size=8).hexdigest()
        self.carried_out = None
        request = decode(entry)
        last, outcome = self.done.get(request.client, (0, ""))
        if request.sequence > last or not self.once:
            outcome = self._carry_out(request)
            self.done[request.client] = (request.sequence, outcome)
            self.carried_out = (request.client, request.sequence)
        return outcome.encode()

    def _carry_out(self, request: Request) -> str:
        held = self.registers.get(request.register, "")
        if request.expected is not None and held != request.expected:
            return "kept"
        self.registers[request.register] = request.value
        return "set"

    def snapshot(self) -> Callable[[], bytes]:
        """Return what gives everything that is there now."""
        state = [self.index, self.registers, self.done, self.chain]
        data = json.dumps(state, sort_keys=True).encode()
        return lambda: data

    def restore(self, index: int, data: bytes) -> None:
        """Start again from a snapshot."""
        self.index, self.registers, done, self.chain = json.loads(data)
        self.done = {client: (number, outcome) for client, (number, outcome) in done.items()}
        self.index = index
