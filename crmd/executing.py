"""The connection to the local executor: results followed, loss and return noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from crmd.fsa import events
from crmd.fsa.executor import AgentTraits
from lrmd.client import AgentMetadata, ExecutorClient
from lrmd.operations.values import Agent
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.wire.types_pb2 import Identity

_AGAIN_S = 0.1
Take = Callable[[events.Event], None]


class Executing:
    """Keeps the connection to the executor; `client` is used for everything that is asked of it."""

    def __init__(self, socket: Path, *, identity: Identity, log: Log) -> None:
        """Connect when first used; call `run` to follow results."""
        self.client = ExecutorClient(socket, identity=identity)
        self.answered = asyncio.Event()
        """Set once it has told its state: before, this node can join nothing."""
        self._log = log

    async def run(self, take: Take) -> None:
        """Tell `take` until cancelled: state first, then results; when they break off, again."""
        is_up = False
        while True:
            try:
                inventory = await self.client.state()
                returned = events.ExecutorReturned(
                    at_ms=boot_ms(), incarnation=inventory.incarnation
                )
                take(returned)
                self.answered.set()
                is_up = True
                async for result in self.client.results():
                    take(events.ExecutorResult(at_ms=boot_ms(), result=result))
            except HaError as error:
                if is_up:
                    self._log.warning("executor lost", reason=error)
            if is_up:
                is_up = False
                take(events.ExecutorLost(at_ms=boot_ms()))
            await asyncio.sleep(_AGAIN_S)

    async def traits(self, agent: Agent) -> AgentTraits:
        """Return what the history depends on; the default where the metadata cannot be read."""
        try:
            return traits_of(await self.client.metadata(agent))
        except HaError as error:
            self._log.warning("no metadata", agent=agent, reason=error)
            return AgentTraits()


def traits_of(metadata: AgentMetadata) -> AgentTraits:
    """Return what the operation history depends on (features 3.19)."""
    return AgentTraits(
        reloads=metadata.has_action("reload-agent"),
        reloadable=frozenset(one.name for one in metadata.parameters if one.reloadable),
        parameters=tuple(one.name for one in metadata.parameters),
        private=tuple(one.name for one in metadata.parameters if one.private),
    )
