"""Connections to remote nodes: the node's controller carries them out itself (features 5.7, 22.2).

Here such an operation is queued, repeated, timed and kept in the history as every other; only its
doing is the controller's, to which it is told over a conversation that the controller opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from lrmd.agents.execution import Execution, TaskRun
from lrmd.operations.values import REMOTE_CONNECTION, Agent, OperationRequest, Outcome

METADATA = """<?xml version="1.0"?>
<resource-agent name="remote" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">
A node that runs resources and is no member of the cluster: this resource is the connection to its
raftmaker-remoted. The resource's id is the name of the node. Where the connection runs, the node's
resources are ordered from; it can move while they go on running.
  </longdesc>
  <shortdesc lang="en">Connection to a remote node</shortdesc>
  <parameters>
    <parameter name="server">
      <longdesc lang="en">Host name or IP address of the remote node; by default the resource's id.</longdesc>
      <shortdesc lang="en">Address</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="port">
      <longdesc lang="en">TCP port at which raftmaker-remoted listens.</longdesc>
      <shortdesc lang="en">Port</shortdesc>
      <content type="integer" default="3121"/>
    </parameter>
    <parameter name="reconnect_interval" reloadable="1">
      <longdesc lang="en">After a lost connection and the fencing of the node: how long to wait before each attempt to
connect again. 0: the node is connected to as soon as it can be.</longdesc>
      <shortdesc lang="en">Time between attempts to connect again</shortdesc>
      <content type="time" default="0"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="60s"/>
    <action name="stop" timeout="60s"/>
    <action name="reload-agent" timeout="20s"/>
    <action name="monitor" timeout="30s" interval="60s" depth="0"/>
    <action name="migrate_to" timeout="60s"/>
    <action name="migrate_from" timeout="60s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
"""  # noqa: E501  # shown to people as it is

Asked = tuple[int, OperationRequest | None]
"""A call and what is to be done for it; None: nobody waits for it any more."""


class Delegates:
    """Operations that wait for the controller; without one they wait until their time is over."""

    def __init__(self) -> None:
        """Begin without a controller."""
        self._runs: dict[int, OperationRequest] = {}
        self._answers: dict[int, asyncio.Future[Outcome]] = {}
        self._conversation: asyncio.Queue[Asked | None] | None = None

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        """Start a run."""
        return TaskRun(self._run(call_id, request))

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        """Ask again: every action can be repeated without harm."""
        return self.begin(call_id, request)

    async def metadata(self) -> str:
        """Return the agent's metadata."""
        return METADATA

    def installed(self) -> tuple[Agent, ...]:
        """Return the one agent."""
        return (REMOTE_CONNECTION,)

    async def conversation(self) -> AsyncIterator[Asked]:
        """Yield what is to be done, what waits already first; ends when a newer one is opened."""
        if self._conversation is not None:
            self._conversation.put_nowait(None)
        mine: asyncio.Queue[Asked | None] = asyncio.Queue()
        self._conversation = mine
        for call_id, request in sorted(self._runs.items()):
            mine.put_nowait((call_id, request))
        try:
            while (asked := await mine.get()) is not None:
                yield asked
        finally:
            if self._conversation is mine:
                self._conversation = None

    def answer(self, call_id: int, outcome: Outcome) -> None:
        """Take how a run ended; one that nobody waits for is ignored."""
        future = self._answers.get(call_id)
        if future is not None and not future.done():
            future.set_result(outcome)

    async def _run(self, call_id: int, request: OperationRequest) -> Outcome:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._runs[call_id], self._answers[call_id] = request, answer
        self._tell((call_id, request))
        try:
            return await answer
        finally:
            del self._runs[call_id], self._answers[call_id]
            if not answer.done() or answer.cancelled():
                self._tell((call_id, None))

    def _tell(self, asked: Asked) -> None:
        if self._conversation is not None:
            self._conversation.put_nowait(asked)
