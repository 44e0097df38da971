"""Follows the store, so that devices, topology and members are always those of the newest CIB."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from cib_store.client import StoreClient, WatchStep
from cib_store.model.dates import Moment
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError, Unreachable
from raftmaker.runtime.logs import Log
from raftmaker.runtime.outage import Outage
from raftmaker.runtime.roster import Roster
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import Facts, Presence
from raftmaker.wire.types_pb2 import Identity
from stonithd.agents import Agents
from stonithd.configuration.reading import agents_of, setup_of
from stonithd.fencing.events import Configured
from stonithd.knowledge import Knowledge
from stonithd.runner import Runner

_AGAIN_S = 0.2
_REST_S = 0.5
_AWAY_S = 10.0
_REREAD_S = 60.0
"""Rules may depend on the time, and agents get installed."""


class Follower:
    """Watches this node's store, or while that is down another voter's."""

    def __init__(
        self, roster: Roster, identity: Identity, agents: Agents, runner: Runner, log: Log
    ) -> None:
        """Tell `runner` of every change; call `run` to begin."""
        self._roster = roster
        self._identity = identity
        self._agents = agents
        self._runner = runner
        self._seen: WatchStep | None = None
        self._after: WatchStep | None = None
        self._changed = asyncio.Event()
        self._outage = Outage(log, "store is watched again", "no store can be watched")
        self.knowledge = Knowledge()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_all())
            group.create_task(self._apply_changes())

    async def _watch_all(self) -> None:
        while True:
            for store in self._roster.stores:
                await self._watch(store)
                await asyncio.sleep(_AGAIN_S)

    async def _watch(self, store: Target) -> None:
        client = StoreClient(store, self._identity)
        # Another node's store only while this node's is down: it may vanish without a word.
        limit_s = None if isinstance(store, Path) else _AWAY_S
        try:
            async with asyncio.timeout(limit_s):
                async for step in client.watch(self._after):
                    self._outage.over(store=store)
                    self._roster.follow(step.facts.members)
                    self._seen = self._after = step
                    self._changed.set()
        except TimeoutError:
            pass
        except HaError as error:
            if not isinstance(error, Unreachable):
                self._after = None  # what we have does not go with what it sends
            self._outage.on(error, store=store)
        finally:
            await client.close()

    async def _apply_changes(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REREAD_S):
                    await self._changed.wait()
            self._changed.clear()
            if self._seen is not None:
                started = time.process_time()
                await self._configure(self._seen)
                # However fast a big CIB changes, reading it takes a tenth of the processor.
                await asyncio.sleep(min(_REST_S, 9 * (time.process_time() - started)))

    async def _configure(self, seen: WatchStep) -> None:
        names = agents_of(seen.cib)
        found = await asyncio.gather(*(self._agents.abilities(name) for name in names))
        setup = setup_of(
            seen.cib,
            members=_members(seen.facts),
            abilities={
                name: able for name, able in zip(names, found, strict=True) if able is not None
            },
            now=Moment(wall_us() // 1_000_000),
        )
        known = self._runner.state
        if setup != known.setup:
            self._runner.take(Configured(boot_ms(), setup))
            self._runner.remember_lists()
            new = set(setup.members) - {*known.setup.members, known.node}
            self._runner.learn_history(sorted(new))
        self.knowledge.grow(seen.index)


def _members(facts: Facts) -> tuple[NodeName, ...]:
    return tuple(one.node for one in facts.nodes if one.presence is Presence.MEMBER)
