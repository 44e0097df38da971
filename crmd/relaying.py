"""A member makes the calls of a remote node's tools, in that node's name (features 22.5, 20.12).

What may be asked, how much of it and for how long is bounded here, whatever the remote node says
(`raftmaker.vocabulary.relayed`). The store is told for whom it answers. The controller's calls go
by the socket for everybody, where it does nothing for whom it cannot know once access control is
on (`crmd.guarding`).
"""

from __future__ import annotations

import asyncio

from crmd.remote.relayed import Relaying, stopped, taken
from lrmd.client import ExecutorClient
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.runtime.relaying import Channel, made
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import dial_bare
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.relayed import (
    RELAYED,
    CallStatus,
    Daemon,
    RelayedAnswer,
    RelayedCall,
    time_for,
)
from raftmaker.wire.types_pb2 import Identity

_AGAIN_S = 0.2
_ANSWERS_MAX = 16
"""So many answers wait to be sent to a remote node; it is asked no more before it has read them."""


class Doors:
    """The daemons that are asked for remote nodes, each dialled when first needed."""

    def __init__(self, settings: Settings, roster: Roster, identity: Identity) -> None:
        """`roster` says where stores are, should this node have none."""
        self._settings, self._roster, self.identity = settings, roster, identity
        self._channels: dict[Target, Channel] = {}
        self._next_store = 0

    def to(self, daemon: Daemon) -> Channel:
        """Return the channel to a daemon."""
        target = self._target(daemon)
        if target not in self._channels:
            self._channels[target] = dial_bare(target)
        return self._channels[target]

    def _target(self, daemon: Daemon) -> Target:
        if daemon is not Daemon.STORE:
            return self._settings.public_socket(daemon.value)
        if self._settings.me.voter:
            return self._settings.socket(daemon.value)
        others = self._roster.stores[1:]
        return others[self._next_store % len(others)]

    def failed(self, daemon: Daemon) -> None:
        """A daemon did not answer: where there are several stores, the next is asked."""
        if daemon is Daemon.STORE:
            self._next_store += 1

    async def close(self) -> None:
        """End the connections."""
        for channel in self._channels.values():
            await channel.close()


class CallsForNode:
    """The calls of one remote node."""

    def __init__(self, doors: Doors, node: NodeName, member: NodeName, log: Log) -> None:
        """`member` is this controller's node, which attends to `node`."""
        self._doors, self._node, self._member, self._log = doors, node, member, log
        self._state = Relaying()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self, client: ExecutorClient) -> None:
        """Make what is asked through the node's executor, until cancelled."""
        while True:
            answers: asyncio.Queue[RelayedAnswer] = asyncio.Queue(_ANSWERS_MAX)
            try:
                async for call in client.relay(self._member, answers):
                    await self._take(call, answers)
            except HaError as error:
                self._log.debug("remote node's tools not heard", node=self._node, reason=error)
            finally:
                self._state = Relaying()
                for task in self._tasks.values():
                    task.cancel()
            await asyncio.sleep(_AGAIN_S)

    async def _take(self, call: RelayedCall, answers: asyncio.Queue[RelayedAnswer]) -> None:
        if call.given_up:
            self._state = stopped(self._state, call.number)
            task = self._tasks.get(call.number)
            if task is not None:
                task.cancel()
            return
        self._state, refusal = taken(self._state, call)
        if refusal is not None:
            await answers.put(refusal)
            return
        task = asyncio.create_task(self._make(call, answers))
        self._tasks[call.number] = task
        task.add_done_callback(lambda _: self._tasks.pop(call.number, None))

    async def _make(self, call: RelayedCall, answers: asyncio.Queue[RelayedAnswer]) -> None:
        daemon, limit_ms = RELAYED[call.method].daemon, time_for(call)
        limit_s = None if limit_ms is None else limit_ms / 1000
        channel, identity = self._doors.to(daemon), self._doors.identity
        try:
            async for answer in made(channel, call, limit_s, node=self._node, identity=identity):
                if answer.status == CallStatus.UNREACHABLE:
                    self._doors.failed(daemon)
                    answer = _named(answer, daemon, self._member)
                if answer.status is not None:
                    self._state = stopped(self._state, call.number)
                await answers.put(answer)
        except asyncio.CancelledError:
            pass  # nobody waits any more
        finally:
            self._state = stopped(self._state, call.number)


def _named(answer: RelayedAnswer, daemon: Daemon, member: NodeName) -> RelayedAnswer:
    """Say whose daemon does not answer: on the remote node there is none."""
    details = f"raftmaker-{daemon.value} of {member}, which was asked for this node: "
    return RelayedAnswer(
        number=answer.number, status=answer.status, details=details + answer.details
    )
