"""A cluster as seen from one of its nodes: read, change, watch, act."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType

from raftmaker.client import decoding
from raftmaker.client.calls import Daemon
from raftmaker.client.values import (
    Cib,
    CibVersion,
    Fenced,
    Fencing,
    Outcome,
    Progress,
    Reading,
    StoreStatus,
)
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.settings import DEFAULT_FILE, Settings, read
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.wire import controller_pb2 as controller
from raftmaker.wire import executor_pb2 as executor
from raftmaker.wire import fencer_pb2 as fencer
from raftmaker.wire import store_pb2 as store
from raftmaker.wire.controller_pb2_grpc import ControllerStub
from raftmaker.wire.executor_pb2_grpc import ExecutorStub
from raftmaker.wire.fencer_pb2_grpc import FencerStub
from raftmaker.wire.store_pb2_grpc import StoreStub
from raftmaker.wire.types_pb2 import Origin

ANSWER_S = 30.0
"""How long an ordinary question may take, elections included."""


def connect(config: Path | None = None, *, program: str = "raftmaker-client") -> Cluster:
    """Return the cluster of this node; nothing is sent yet. Raises `Rejected` for bad settings.

    `config`: the node's file; else the environment's RAFTMAKER_CONFIG, else the usual place.
    """
    path = config or Path(os.environ.get("RAFTMAKER_CONFIG") or DEFAULT_FILE)
    return Cluster(read(path), program=program)


class Cluster:
    """Talks to the daemons of one node; use it as an async context manager."""

    def __init__(self, settings: Settings, *, program: str) -> None:
        """`program` names the caller in the history of changes."""
        self.settings = settings
        self._program = program
        self._daemons: dict[str, Daemon] = {}

    async def __aenter__(self) -> Cluster:
        """Return the cluster itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        for daemon in self._daemons.values():
            await daemon.channel.close()

    def _daemon(self, name: str) -> Daemon:
        if name not in self._daemons:
            identity = tool_identity(self.settings.cluster, self._program)
            self._daemons[name] = Daemon(name, self.settings.socket(name), identity)
        return self._daemons[name]

    def origin(self, message: str = "") -> Origin:
        """Return who asks, for the history."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # an id without a name, in a container say
            user = str(os.getuid())
        return Origin(
            node=self.settings.node,
            client=self._program,
            user=user,
            message=message,
            at_us=time.time_ns() // 1000,
        )

    async def query(
        self,
        *,
        scope: str = "",
        xpath: str = "",
        no_children: bool = False,
        local: bool = False,
    ) -> Reading:
        """Read the CIB, a section or what an XPath matches. `local`: at once, perhaps stale."""
        reply = await self._query(
            store.QueryRequest(scope=scope, xpath=xpath, no_children=no_children), local
        )
        return Reading(
            xml=tuple(reply.xml), version=decoding.version(reply.version), index=reply.index
        )

    async def cib(self, *, local: bool = False) -> Cib:
        """Read the whole CIB and who leads. `local`: what this replica has, perhaps stale."""
        reply = await self._query(store.QueryRequest(facts=True), local)
        return decoding.cib(reply, self.settings.node)

    async def _query(self, request: store.QueryRequest, local: bool) -> store.QueryReply:
        request.consistency = store.CONSISTENCY_LOCAL if local else store.CONSISTENCY_LINEARIZABLE
        daemon = self._daemon("cib")
        return await daemon.call(StoreStub(daemon.channel).Query, request, ANSWER_S)

    async def change(
        self,
        operations: Sequence[CibOperation],
        *,
        message: str = "",
        base: CibVersion | None = None,
        rehearse: bool = False,
    ) -> Outcome:
        """Change the CIB, all operations or none. Raises `Rejected` with all that is wrong.

        `base`: refuse when the parts touched have changed since. `rehearse`: only check.
        """
        request = store.ChangeRequest(
            operations=[decoding.operation(each) for each in operations],
            origin=self.origin(message),
            rehearse=rehearse,
        )
        if base is not None:
            request.base.CopyFrom(decoding.wire_version(base))
        daemon = self._daemon("cib")
        reply = await daemon.call(StoreStub(daemon.channel).Change, request, ANSWER_S)
        return decoding.outcome(reply.outcome)

    async def store_status(self) -> StoreStatus:
        """Describe this node's replica of the store."""
        daemon = self._daemon("cib")
        request = store.StoreStatusRequest()
        reply = await daemon.call(StoreStub(daemon.channel).Status, request, ANSWER_S)
        return decoding.store_status(reply)

    async def progress(self) -> Progress:
        """Tell what this node's controller does now."""
        async for now in self._progress(once=True):
            return now
        raise HaError(f"{self._daemon('crmd').unit} ended its answer before it began")

    def follow_progress(self) -> AsyncIterator[Progress]:
        """Yield what this node's controller does, at once and whenever it changes."""
        return self._progress(once=False)

    async def _progress(self, *, once: bool) -> AsyncIterator[Progress]:
        daemon = self._daemon("crmd")
        method = ControllerStub(daemon.channel).Progress
        async for reply in daemon.follow(method, controller.ProgressRequest(once=once)):
            yield decoding.progress(reply)

    async def watch(self, after: int = 0) -> AsyncIterator[store.WatchEvent]:
        """Yield the changes of CIB and facts after a log position, ordered, none lost."""
        daemon = self._daemon("cib")
        method = StoreStub(daemon.channel).Watch
        async for event in daemon.follow(method, store.WatchRequest(after=after)):
            yield event

    async def cleanup(
        self,
        *,
        resource: str = "",
        node: str = "",
        operation: str = "",
        interval_ms: int = 0,
        refresh: bool = False,
    ) -> tuple[str, ...]:
        """Forget failures (`refresh`: the whole history) and probe again; return a line each."""
        request = controller.CleanupRequest(
            resource=resource,
            node=node,
            operation=operation,
            interval_ms=interval_ms,
            refresh=refresh,
            origin=self.origin(),
        )
        daemon = self._daemon("crmd")
        reply = await daemon.call(ControllerStub(daemon.channel).Cleanup, request, ANSWER_S)
        return tuple(reply.cleaned)

    async def fence(
        self, node: str, *, action: str = "reboot", timeout_s: float = 0, message: str = ""
    ) -> Fenced:
        """Have the DC fence a node: off, reboot or on. Returns when a device has confirmed it."""
        request = controller.FenceNodeRequest(
            target=node,
            action=action,
            origin=self.origin(message),
            timeout_ms=int(timeout_s * 1000),
        )
        daemon = self._daemon("crmd")
        patience = timeout_s + ANSWER_S if timeout_s else 600.0
        reply = await daemon.call(ControllerStub(daemon.channel).FenceNode, request, patience)
        return decoding.fenced(reply)

    async def confirm_down(self, node: str, *, message: str = "") -> Fenced:
        """Vouch that a node is down. Wrong, it corrupts data: nothing checks it."""
        request = controller.ConfirmDownRequest(target=node, origin=self.origin(message))
        daemon = self._daemon("crmd")
        reply = await daemon.call(ControllerStub(daemon.channel).ConfirmDown, request, ANSWER_S)
        return decoding.fenced(reply)

    async def fencing_history(self, target: str = "") -> tuple[Fencing, ...]:
        """Return fencings, newest first, of one node or of all."""
        daemon = self._daemon("stonithd")
        request = fencer.FencingHistoryRequest(target=target)
        reply = await daemon.call(FencerStub(daemon.channel).FencingHistory, request, ANSWER_S)
        return tuple(decoding.fencing(each) for each in reply.fencings)

    async def metadata(self, standard: str, provider: str, kind: str) -> str:
        """Return an agent's metadata as the agent prints it: XML."""
        agent = executor.Agent(standard=standard, provider=provider, type=kind)
        daemon = self._daemon("lrmd")
        request = executor.MetadataRequest(agent=agent)
        reply = await daemon.call(ExecutorStub(daemon.channel).Metadata, request, ANSWER_S)
        return str(reply.xml)

    async def agents(self, standard: str = "", provider: str = "") -> tuple[str, ...]:
        """Return the installed agents as ``class:[provider:]type``."""
        daemon = self._daemon("lrmd")
        request = executor.AgentsRequest(standard=standard, provider=provider)
        reply = await daemon.call(ExecutorStub(daemon.channel).Agents, request, ANSWER_S)
        return tuple(
            ":".join(part for part in (each.standard, each.provider, each.type) if part)
            for each in reply.agents
        )

    async def history(self, limit: int = 0) -> tuple[store.HistoryEntry, ...]:
        """Return configuration changes, newest first; `limit` 0: all that is kept."""
        daemon = self._daemon("cib")
        request = store.HistoryRequest(limit=limit)
        reply = await daemon.call(StoreStub(daemon.channel).History, request, ANSWER_S)
        return tuple(reply.entries)
