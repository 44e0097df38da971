"""Work on a whole document, done beside the event loop where the document is large.

States and elements are frozen, so a thread sees one version of all, whatever is applied meanwhile.
Whoever asks is served in the order of asking, by threads that nothing else waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cib_store.document.element import Element
from cib_store.document.extent import is_large

_Result = TypeVar("_Result")


class Aside:
    """A few threads for one kind of work."""

    def __init__(self, name: str, threads: int) -> None:
        """No thread is begun before the first large document. `name` is shown in a list of them."""
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    async def done(self, work: Callable[[], _Result], *documents: Element) -> _Result:
        """Return what `work` on these documents returns."""
        return await self.begun(work, *documents)

    def begun(self, work: Callable[[], _Result], *documents: Element) -> asyncio.Future[_Result]:
        """Return what will have what `work` returns; it is done now where no document is large."""
        loop = asyncio.get_running_loop()
        if any(map(is_large, documents)):
            return loop.run_in_executor(self._pool, work)
        ready: asyncio.Future[_Result] = loop.create_future()
        ready.set_result(work())
        return ready
