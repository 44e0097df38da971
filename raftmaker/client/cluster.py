"""A cluster as seen from one of its nodes: read, change, watch, act."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from cib_store.client import AttributeValue, Change, Membership, StoreClient, WatchStep
from cib_store.document.element import Element
from raftmaker.client.values import Cib, Progress, Reading, StoreStatus, Voter
from raftmaker.runtime.clock import wall_us
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError, Rejected, Unreachable
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.settings import DEFAULT_FILE, Settings, decode_file, secured
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AttributeChange,
    CibOperation,
    ForgetAttributes,
    Origin,
    UpdateAttributes,
    WriteAttributes,
)
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, Members
from raftmaker.vocabulary.outcomes import CibVersion, Outcome
from raftmaker.vocabulary.reports import Report

if TYPE_CHECKING:  # agents call our tools often: a daemon's client is loaded when it is used
    from crmd.client import ControllerClient, FenceNodeAnswer
    from crmd.fsa.effects import ReportProgress
    from crmd.scheduler.explaining.values import Explanation
    from lrmd.client import AgentMetadata, ExecutorClient
    from lrmd.operations.values import Agent
    from stonithd.client import DeviceInfo, FencerClient, FencingInfo

ANSWER_MS = 30_000
"""How long an ordinary question may take, elections included."""

_NOT_REMOTE = Report(
    code="no-remote-cib",
    where="CIB_server",
    what="a cluster is not reached from afar: this would change the one of this machine instead",
    mend="run the tool on a node of that cluster, by ssh say, or take CIB_server out of the"
    " environment",
)


def connect(config: Path | None = None, *, program: str = "raftmaker-client") -> Cluster:
    """Return the cluster of this node; nothing is sent yet. Raises `Rejected` for bad settings.

    `config`: the node's file; else the environment's RAFTMAKER_CONFIG, else the usual place.
    The environment's CIB_file or CIB_shadow names a file that stands for it; CIB_server,
    which names a remote cluster, is refused (features 4.30, 4.32).
    """
    path = config or Path(os.environ.get("RAFTMAKER_CONFIG") or DEFAULT_FILE)
    if os.environ.get("CIB_server"):  # noqa: SIM112  # Pacemaker's spelling
        raise Rejected(ExitCode.UNIMPLEMENT_FEATURE, (_NOT_REMOTE,))
    if os.environ.get("CIB_file") or os.environ.get("CIB_shadow"):  # noqa: SIM112  # Pacemaker's spelling
        from raftmaker.client.offline import OfflineCluster, offline_file

        file = offline_file(os.environ, path)
        assert file is not None
        return OfflineCluster(file, path, program=program)
    return Cluster(decode_file(path), program=program)


class Cluster:
    """Talks to the daemons of one node; use it as an async context manager."""

    is_file = False
    """Whether a file stands for the cluster: there are no daemons then."""

    def __init__(self, settings: Settings, *, program: str) -> None:
        """`program` names the caller in the history of changes.

        The settings may be without credentials: this node's daemons are reached by their sockets,
        and who may use those need not be able to read its key.
        """
        self.settings = settings
        self._identity = tool_identity(settings.cluster, program)
        self._program = program
        self._store: StoreClient | None = None
        self._controller: ControllerClient | None = None
        self._fencer: FencerClient | None = None
        self._executor: ExecutorClient | None = None

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
        for client in (self._store, self._controller, self._fencer, self._executor):
            if client is not None:
                await client.close()

    def _socket(self, daemon: str) -> Path:
        """Return a daemon's socket. Raises `Unreachable` at once where it is not there."""
        socket = self.settings.socket(daemon)
        if not socket.exists():
            is_remote = self.settings.remote is not None
            name, unit = (
                ("remoted", "raftmaker-remote") if is_remote else (daemon, "raftmaker.target")
            )
            raise Unreachable(
                f"raftmaker-{name} does not run on {self.settings.node}: there is no socket"
                f" {socket}; run 'systemctl start {unit}'"
            )
        return socket

    @property
    def store(self) -> StoreClient:
        """The client of this node's store; of the voters', where it has none.

        On a remote node the member that attends to it asks the store in the node's name.

        Raises `Unreachable`, or `Rejected` where the node's key may not be read.
        """
        if self._store is None:
            has_store = self.settings.remote is not None or self.settings.me.voter
            targets = [self._socket("cib")] if has_store else self._stores_of_voters()
            self._store = StoreClient(targets, self._identity)
        return self._store

    def _stores_of_voters(self) -> list[Endpoint]:
        from raftmaker.runtime.roster import Roster

        return [peer.store for peer in Roster(secured(self.settings)).voters]

    @property
    def controller(self) -> ControllerClient:
        """The client of this node's controller. Raises `Unreachable`."""
        if self._controller is None:
            from crmd.client import ControllerClient

            self._controller = ControllerClient(self._socket("crmd"), identity=self._identity)
        return self._controller

    async def other_controllers(self) -> tuple[tuple[NodeName, ControllerClient], ...]:
        """Return clients of the other nodes' controllers, for the caller to close.

        Raises `Rejected` where the node's key may not be read: peers listen to members alone.
        """
        from crmd.client import ControllerClient
        from raftmaker.runtime.roster import Roster

        roster = Roster(secured(self.settings))
        roster.follow((await self.cib(local=True)).facts.members)
        return tuple(
            (peer.name, ControllerClient(peer.controller, identity=self._identity))
            for peer in roster.peers
            if peer.is_node and peer.name != self.settings.node
        )

    def remote_executor(self, name: NodeName, address: str) -> ExecutorClient:
        """Return a client of a remote node's executor at ``host:port``, for the caller to close.

        Raises `Rejected` where this node's key may not be read: it listens to members alone.
        """
        from lrmd.client import ExecutorClient

        credentials = secured(self.settings).me.controller.credentials
        endpoint = Endpoint(node=name, address=address, credentials=credentials)
        return ExecutorClient(endpoint, identity=self._identity)

    @property
    def fencer(self) -> FencerClient:
        """The client of this node's fencer. Raises `Unreachable`."""
        if self._fencer is None:
            from stonithd.client import FencerClient

            self._fencer = FencerClient(self._socket("stonithd"), identity=self._identity)
        return self._fencer

    @property
    def executor(self) -> ExecutorClient:
        """The client of this node's executor. Raises `Unreachable`."""
        if self._executor is None:
            from lrmd.client import ExecutorClient

            self._executor = ExecutorClient(self._socket("lrmd"), identity=self._identity)
        return self._executor

    def origin(self, message: str = "") -> Origin:
        """Return who asks, for the history."""
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:  # an id without a name, in a container say
            user = str(os.geteuid())
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
        user: str = "",
        timeout_ms: int = ANSWER_MS,
    ) -> Reading:
        """Read the CIB, a section or what an XPath matches. `local`: at once, perhaps stale.

        `user`: with this user's rights, which only root may ask for.
        """
        answer = await self.store.query(
            scope=scope,
            xpath=xpath,
            no_children=no_children,
            local=local,
            user=user,
            timeout_ms=timeout_ms,
        )
        return Reading(elements=answer.elements, version=answer.version, index=answer.index)

    async def cib(self, *, local: bool = False) -> Cib:
        """Read the whole CIB and the facts. `local`: what this replica has, perhaps stale."""
        answer = await self.store.query(local=local, facts=True, timeout_ms=ANSWER_MS)
        if not answer.elements or answer.facts is None or not answer.facts.cluster_id:
            raise HaError("the store has no CIB yet: the cluster is being created, ask again")
        return Cib(
            document=answer.elements[0],
            version=answer.version,
            index=answer.index,
            facts=answer.facts,
        )

    async def change(
        self,
        operations: Sequence[CibOperation],
        *,
        message: str = "",
        base: CibVersion | None = None,
        rehearse: bool = False,
        user: str = "",
    ) -> Outcome:
        """Change the CIB, all operations or none. Raises `Rejected` with all that is wrong.

        `base`: refuse when the configuration has changed since. `rehearse`: only check.
        `user`: with this user's rights, which only root may ask for.
        """
        outcome = await self.store.change(
            operations,
            origin=self.origin(message),
            base=base,
            rehearse=rehearse,
            user=user,
            timeout_ms=ANSWER_MS,
        )
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)
        return outcome

    async def attributes(
        self, *, name: str = "", node: str = "", local: bool = False
    ) -> tuple[AttributeValue, ...]:
        """Read transient attributes by name and node, those held back or private included."""
        return await self.store.attributes(name=name, node=node, local=local, timeout_ms=ANSWER_MS)

    async def update_attributes(self, changes: Sequence[AttributeChange]) -> Outcome:
        """Change transient attributes, all or none. Raises `Rejected`."""
        return await self._recorded(UpdateAttributes(tuple(changes)))

    async def write_attributes(self, name: str = "") -> Outcome:
        """Write what is held back of one attribute, or of all, into the CIB. Raises `Rejected`."""
        return await self._recorded(WriteAttributes(name))

    async def forget_attributes(self, node: str) -> Outcome:
        """Remove every transient attribute of a node. Raises `Rejected`."""
        return await self._recorded(ForgetAttributes(NodeName(node)))

    async def _recorded(
        self, body: UpdateAttributes | WriteAttributes | ForgetAttributes
    ) -> Outcome:
        outcome = await self.store.record(body, origin=self.origin(), timeout_ms=ANSWER_MS)
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)
        return outcome

    async def settle(self, index: int, *, everywhere: bool = False) -> tuple[str, ...]:
        """Wait until a change is in place here or everywhere; return voters that are not heard."""
        return await self.store.settle(index, everywhere=everywhere, timeout_ms=ANSWER_MS)

    def watch(self, after: WatchStep | None = None) -> AsyncIterator[WatchStep]:
        """Yield CIB and facts after every change, beginning with the present; none is lost."""
        return self.store.watch(after)

    async def history(self, limit: int = 0, *, patches: bool = False) -> tuple[Change, ...]:
        """Return configuration changes, newest first; `limit` 0: all that is kept."""
        return await self.store.history(limit=limit, patches=patches)

    async def cib_at(self, revision: int) -> Element | None:
        """Return the CIB without its status after a revision; None where it is not kept."""
        return await self.store.cib_at(revision)

    async def members(self) -> Membership:
        """Return who belongs to the cluster, and how its leader sees them."""
        return await self.store.members(timeout_ms=ANSWER_MS)

    async def add_member(
        self, member: Member, *, two_node: bool = False, message: str = ""
    ) -> Members:
        """Add a member; committed when it returns. Raises `Rejected` with all that is wrong.

        A voter or witness is a learner at first: `members` says what it waits for.
        """
        outcome, members = await self.store.add_member(
            member, two_node=two_node, origin=self.origin(message), timeout_ms=ANSWER_MS
        )
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)
        return members

    async def remove_member(self, name: str, *, force: bool = False, message: str = "") -> Members:
        """Remove a member; committed when it returns. Raises `Rejected` with all that is wrong."""
        outcome, members = await self.store.remove_member(
            NodeName(name), force=force, origin=self.origin(message), timeout_ms=ANSWER_MS
        )
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)
        return members

    async def store_status(self) -> StoreStatus:
        """Describe this node's replica of the store."""
        reply = await self.store.status()
        return StoreStatus(
            node=reply.identity.node,
            leads=reply.leads,
            leader=reply.leader,
            term=reply.term,
            applied=reply.applied,
            committed=reply.committed,
            quorate=reply.quorate,
            voters=tuple(
                Voter(node=each.node, heard=each.heard, silent_us=each.silent_us)
                for each in reply.voters
            ),
            version=CibVersion(
                reply.version.admin_epoch, reply.version.epoch, reply.version.num_updates
            ),
            waits_for=reply.waits_for,
            mend=reply.mend,
        )

    async def progress(self) -> Progress:
        """Tell what this node's controller does now."""
        async for now in self.controller.progress(once=True):
            return _progress(now)
        raise HaError("the controller ended its answer before it began; ask again")

    async def follow_progress(self, node: str = "") -> AsyncIterator[Progress]:
        """Yield what a node's controller (this one's by default) does, at once and as it changes.

        Only the DC's knows what is settled. This node's controller asks the other one, so whoever
        may use its socket needs no key.
        """
        async for now in self.controller.progress(node=node):
            yield _progress(now)

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
        return await self.controller.cleanup(
            resource=resource,
            node=node,
            operation=operation,
            interval_ms=interval_ms,
            refresh=refresh,
        )

    async def fail(self, resource: str, node: str) -> None:
        """Have a resource count as failed on a node, so that the cluster recovers it.

        Returns when the node has taken it; `resource` as the operation history names it.
        """
        await self.controller.fail_resource(resource, NodeName(node))

    async def explain(self, resource: str, node: str = "") -> tuple[Explanation, ...]:
        """Say why a resource is where it is, from this node's view; empty: no such resource."""
        return await self.controller.explain(resource, node)

    async def fence(
        self,
        node: str,
        *,
        action: str = "reboot",
        timeout_ms: int = 0,
        delay_ms: int = 0,
        message: str = "",
        tag: str = "",
    ) -> FenceNodeAnswer:
        """Have the DC fence a node (off, reboot) or unfence it (on).

        Returns when it is confirmed or has failed. `delay_ms` below 0 switches off the devices'
        delays too. `tag` makes a program's wishes tell apart in the history of fencings.
        """
        since_us = wall_us()
        try:
            return await self.controller.fence_node(
                NodeName(node),
                action,
                reason=message,
                timeout_ms=timeout_ms,
                delay_ms=delay_ms,
                client=f"{self._program}.{tag}" if tag else self._program,
                origin=NodeName(self.settings.node),
            )
        except Unreachable:
            if action == "on":
                raise
            from crmd.client import FenceNodeAnswer
            from raftmaker.client.fencing import fencing_since

            # The DC may be the node that is fenced, or be lost meanwhile: another goes on.
            seen = await fencing_since(lambda: self.fencing_history(node), since_us)
            if seen is None:
                raise
            return FenceNodeAnswer(
                confirmed=seen.state == "confirmed", devices=seen.devices, reason=seen.reason
            )

    async def confirm_down(self, node: str, *, message: str = "") -> FenceNodeAnswer:
        """Vouch that a node is down. Wrong, it corrupts data: nothing checks it."""
        return await self.controller.confirm_down(NodeName(node), reason=message)

    async def fencing_history(self, target: str = "") -> tuple[FencingInfo, ...]:
        """Return fencings, newest first, of one node or of all."""
        return await self.fencer.history(NodeName(target) if target else None)

    async def clear_fencing_history(self, target: str = "") -> tuple[str, ...]:
        """Forget fencings that have ended; return the members that did not answer."""
        return await self.fencer.clear_history(NodeName(target) if target else None)

    async def fence_devices(self, target: str = "") -> tuple[DeviceInfo, ...]:
        """Return the fence devices, or those that can fence one node from here."""
        return await self.fencer.devices(NodeName(target) if target else None)

    async def metadata(self, standard: str, provider: str, kind: str) -> str:
        """Return an agent's metadata as the agent prints it: XML."""
        from lrmd.operations.values import Agent, Standard

        agent = Agent(standard=Standard(standard), provider=provider, type=kind)
        return await self.executor.metadata_xml(agent)

    async def agent_metadata(self, agent: Agent) -> AgentMetadata:
        """Return what an agent says of itself. Raises `HaError` where it is not installed here."""
        return await self.executor.metadata(agent)

    async def agents(self, standard: str = "", provider: str = "") -> tuple[str, ...]:
        """Return the installed agents as ``class:[provider:]type``."""
        return tuple(str(each) for each in await self.executor.agents(standard, provider))


def _progress(now: ReportProgress) -> Progress:
    return Progress(
        state=now.state,
        dc=now.dc,
        quorate=now.quorate,
        actions_total=now.actions_total,
        actions_done=now.actions_done,
        running=now.running,
        settled_index=now.settled_index,
        transition=now.transition,
    )
