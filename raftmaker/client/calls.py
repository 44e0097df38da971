"""One daemon's socket: a channel, and calls on it that end in an `HaError` when they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from raftmaker.runtime.errors import Unreachable
from raftmaker.runtime.rpc import calling, dial
from raftmaker.wire.types_pb2 import Identity

Reply = TypeVar("Reply")

_UNITS = {"cib": "raftmaker-cib", "crmd": "raftmaker-crmd", "lrmd": "raftmaker-lrmd",
          "stonithd": "raftmaker-stonithd"}  # fmt: skip


class Daemon:
    """A daemon of this node, reached by its unix socket."""

    def __init__(self, name: str, socket: Path, identity: Identity) -> None:
        """Use `channel` for the stub; it connects when first used."""
        self.socket = socket
        self.unit = _UNITS[name]
        self.channel = dial(socket, identity=identity)

    @property
    def mend(self) -> str:
        """What to run when nobody answers."""
        return f"is {self.unit} running? 'systemctl start {self.unit}' or 'crm cluster start'"

    def check(self) -> None:
        """Fail at once where there is no socket. Raises `Unreachable`."""
        if not self.socket.exists():
            raise Unreachable(f"{self.unit}: no socket at {self.socket}; {self.mend}")

    async def call(self, method: Callable[..., Awaitable[Reply]], request: object,
                   timeout_s: float) -> Reply:  # fmt: skip
        """Call a unary method; `timeout_s` bounds it."""
        self.check()
        with calling(f"{self.unit} at {self.socket}", self.mend):
            return await method(request, timeout=timeout_s)

    async def follow(
        self, method: Callable[..., AsyncIterator[Reply]], request: object
    ) -> AsyncIterator[Reply]:
        """Yield the answers of a streaming method until the caller stops."""
        self.check()
        with calling(f"{self.unit} at {self.socket}", self.mend):
            async for reply in method(request):
                yield reply
