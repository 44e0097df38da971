"""Wait until there is something new to show, and run a program on what happened meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from crm_shell.commands.session import Session
from crm_shell.tools.frame import complain
from crm_shell.tools.monitoring import events
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.process import run

if TYPE_CHECKING:
    from cib_store.client import WatchStep
    from stonithd.client import FencingInfo

_AGENT_MS = 60_000
"""How long the program may take for one event."""


class Watcher:
    """Follows the cluster's changes, none of which it misses, and the fencers' memory."""

    def __init__(self, session: Session, options: argparse.Namespace) -> None:
        self._session, self._options = session, options
        self._changes: asyncio.Queue[Element] = asyncio.Queue()
        self._last: Element | None = None
        self._fencings: tuple[FencingInfo, ...] | None = None
        self._reader: asyncio.Task[None] | None = None

    async def pause(self) -> None:
        """Wait for one interval."""
        await asyncio.sleep(self._options.interval_s)

    async def follow(self) -> None:
        """Wait for a change, an interval at most; run the program on what it brought."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        try:
            async with asyncio.timeout(self._options.interval_s):
                await self._take(await self._changes.get())
        except TimeoutError:
            pass
        while not self._changes.empty():
            await self._take(self._changes.get_nowait())
        if self._options.external_agent and self._options.watch_fencing:
            await self._look_at_fencings()

    async def _read(self) -> None:
        while True:
            try:
                steps: AsyncIterator[WatchStep] = self._session.cluster.watch()
                async for step in steps:
                    self._changes.put_nowait(step.cib)
            except HaError as error:
                complain("crm_mon", str(error))
            await self.pause()

    async def _take(self, cib: Element) -> None:
        before, self._last = self._last, cib
        if before is None or not self._options.external_agent:
            return
        for each in events.results(before, cib):
            await self._tell(each)

    async def _look_at_fencings(self) -> None:
        try:
            now = await self._session.cluster.fencing_history()
        except HaError:
            return
        before, self._fencings = self._fencings, now
        for each in events.fencings(before, now) if before is not None else ():
            await self._tell(each)

    async def _tell(self, happened: events.Happened) -> None:
        program = self._options.external_agent
        given = happened.environment(self._options.external_recipient or "")
        try:
            ended = await run([program], env={**os.environ, **given}, timeout_ms=_AGENT_MS)
        except OSError as error:
            complain("crm_mon", f"{program}: {error.strerror}")
            return
        if ended.code != 0:
            complain("crm_mon", f"{program}: exit code {ended.code} on: {happened.text}")
