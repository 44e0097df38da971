"""Commits commands through the log, each executed once, however often it has to be proposed.

A proposal of unknown fate is proposed again with the same client session and number; `apply`
returns the outcome that it had the first time (protocols, Commands).
"""

from __future__ import annotations

import asyncio
import os

from msgspec.structs import replace

from cib_store.messages.commands import encode
from cib_store.raft.log import ReplicatedLog
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError, NotLeader, TimedOut
from raftmaker.vocabulary.commands import Body, Command, OpenClient, Origin
from raftmaker.vocabulary.ids import ClientId, ClusterId, NodeName, Token
from raftmaker.vocabulary.outcomes import Outcome

NOBODY = Origin()
NO_CLIENT = ClientId("")
TRY_MS = 1500
"""How long one proposal is waited for before it is made again."""
BYTES_A_MS = 250
"""A large one is waited for a millisecond longer for so many bytes: thousands of resources take
every replica seconds to read, and to propose them again would have each read them again."""
AGAIN_S = 0.03
UNDER_WAY_MAX = 32
"""Requests of one session at a time: fewer than the outcomes that a session remembers."""


class Proposer:
    """This store's own client session, and the proposals under way."""

    def __init__(
        self, *, log: ReplicatedLog, replica: Replica, cluster: ClusterId, node: NodeName
    ) -> None:
        """The session is opened with the first request that needs one."""
        self._log = log
        self._replica = replica
        self._cluster = cluster
        self._node = node
        self._client = ClientId("")
        self._sequence = 0
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(UNDER_WAY_MAX)

    def command(
        self,
        body: Body,
        *,
        origin: Origin = NOBODY,
        token: Token | None = None,
        client_id: ClientId = NO_CLIENT,
        sequence: int = 0,
    ) -> Command:
        """Return a command of this cluster, with time and place of the proposal filled in."""
        generation = max(1, self._replica.state.facts.generation)
        if not origin.at_us:
            origin = replace(origin, at_us=wall_us())
        if not origin.node:
            origin = replace(origin, node=self._node)
        return Command(
            body=body,
            cluster_id=self._cluster,
            generation=generation,
            client_id=client_id,
            sequence=sequence,
            origin=origin,
            token=token,
        )

    async def catch_up(self, *, deadline_ms: int) -> None:
        """Return when this replica has applied everything acknowledged before the call.

        Raises `NotLeader` at the deadline.
        """
        while True:
            left = deadline_ms - boot_ms()
            if left <= 0:
                raise NotLeader("no majority answered in time: read locally to see what is here")
            try:
                await self._log.barrier(timeout_ms=left)
                return
            except (NotLeader, TimedOut):
                await asyncio.sleep(AGAIN_S)

    async def commit(self, command: Command, *, deadline_ms: int) -> Outcome:
        """Commit as it is. Raises `NotLeader` or `TimedOut` (outcome unknown) at the deadline."""
        entry = encode(command)
        self._replica.foresee(entry, command)
        uncertain, patience_ms = False, TRY_MS + len(entry) // BYTES_A_MS
        while True:
            left = deadline_ms - boot_ms()
            if left <= 0:
                if uncertain:
                    raise TimedOut("no majority answered in time: the outcome is unknown")
                raise NotLeader("no leader was found in time: nothing was changed")
            try:
                outcome = await self._log.propose(entry, timeout_ms=min(left, patience_ms))
            except NotLeader:
                await asyncio.sleep(AGAIN_S)
            except TimedOut:
                uncertain = True
                await asyncio.sleep(AGAIN_S)
            else:
                assert isinstance(outcome, Outcome)
                return outcome

    async def once(self, command: Command, *, deadline_ms: int) -> Outcome:
        """Commit exactly once: within its own session if it has one, else within this store's.

        An expired session of this store is opened anew, but only when nothing was executed.
        """
        if command.sequence:
            return await self.commit(command, deadline_ms=deadline_ms)
        async with self._places:
            for _ in range(2):
                client, sequence = await self._number(deadline_ms)
                numbered = replace(command, client_id=client, sequence=sequence)
                outcome = await self.commit(numbered, deadline_ms=deadline_ms)
                if not outcome.has("session-expired"):
                    return outcome
                if self._client == client:
                    self._client = ClientId("")
        raise HaError("the store's own client session keeps expiring: the outcome is unknown")

    async def _number(self, deadline_ms: int) -> tuple[ClientId, int]:
        async with self._opening:
            if not self._client:
                name = ClientId(f"{self._node}-{os.urandom(8).hex()}")
                opened = await self.commit(self.command(OpenClient(name)), deadline_ms=deadline_ms)
                if not opened.succeeded:
                    raise NotLeader("; ".join(str(report) for report in opened.reports))
                self._client, self._sequence = name, 0
            self._sequence += 1
            return self._client, self._sequence
