"""How new the configuration is that this fencer goes by."""

from __future__ import annotations

import asyncio


class Knowledge:
    """The log position of the newest CIB that was read; who needs a newer one can wait for it."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.index = -1
        self._grown = asyncio.Event()

    def grow(self, index: int) -> None:
        """The CIB at this log position has been read."""
        self.index = max(index, self.index)
        self._grown.set()
        self._grown = asyncio.Event()

    async def reached(self, index: int, *, within_s: float) -> bool:
        """Wait until the CIB at this position, or a newer one, has been read; tell whether it was.

        0: any.
        """
        try:
            async with asyncio.timeout(within_s):
                while self.index < index:
                    await self._grown.wait()
        except TimeoutError:
            return False
        return True
