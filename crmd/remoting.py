"""Connections to remote nodes: carried out for the executor, and used for the DC's orders.

The operations of a connection come from this node's executor, which queues, repeats and remembers
them (`lrmd/agents/delegated.py`). Orders whose `remote_node` is set come from the DC, by the gate
that every order passes: this node has joined the DC that gives them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

from crmd.executing import Executing
from crmd.fsa import events
from crmd.fsa.membership import order_fault
from crmd.fsa.state import QueuedPending, QueuedRemoval
from crmd.fsa.turn import Turn
from crmd.linking import Commit, NodeLink, Site
from crmd.relaying import Doors
from crmd.remote.connection import Phase, address_of, failure, monitored, started
from crmd.runner import Runner
from lrmd.client import Answer, ExecutorClient
from lrmd.operations.values import FAIL_BY_HAND, REMOTE_CONNECTION, OperationRequest, Outcome
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.endpoint import Endpoint, ShowsCredentials
from raftmaker.runtime.errors import HaError, Refused, Rejected
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity

_AGAIN_S = 0.3
_MARGIN_S = 0.5
_SEEN_S = 0.5
_BY_ITSELF = "0:0:0:connection-lost"
"""No transition asked for it, so that the result makes the DC plan anew (features 3.18)."""
Take = Callable[[events.Event], None]


class Remoting:
    """All remote nodes that this controller attends to."""

    def __init__(
        self,
        *,
        runner: Runner,
        executing: Executing,
        commit: Commit,
        identity: Identity,
        credentials: ShowsCredentials | None,
        doors: Doors,
        log: Log,
    ) -> None:
        """Use these parts; call `run` to begin."""
        self._runner = runner
        self._executing = executing
        self._identity = identity
        self._credentials = credentials
        self._log = log
        self._links: dict[NodeName, NodeLink] = {}
        self._work: dict[int, asyncio.Task[None]] = {}
        self._viewed = asyncio.Event()
        self._site = Site(
            node=runner.state.config.node,
            runner=runner,
            doors=doors,
            commit=commit,
            seen=self._seen,
            lost=self._lost,
            log=log,
        )

    def beside(self, take: Take) -> Take:
        """Return a `take` by which new views are noticed here as well, after the core."""

        def both(event: events.Event) -> None:
            take(event)
            if isinstance(event, events.StoreChanged):
                self._viewed.set()

        return both

    async def run(self) -> None:
        """Carry out what the executor delegates, until cancelled."""
        while True:
            try:
                await self._resume()
                await self._converse()
            except HaError as error:
                self._log.debug("nothing is delegated", reason=error)
            for task in self._work.values():
                task.cancel()
            await asyncio.sleep(_AGAIN_S)

    async def close(self) -> None:
        """End the connections; what runs on the remote nodes goes on."""
        for task in self._work.values():
            task.cancel()
        await asyncio.gather(*(link.close() for link in self._links.values()))
        await self._site.doors.close()

    # --- the connections' own operations -------------------------------------------------------

    async def _resume(self) -> None:
        """Take up the connections of an earlier process of this controller."""
        inventory = await self._executing.client.state()
        for request in started(inventory.history):
            name = NodeName(request.resource)
            address = address_of(request)
            if name in self._links or address is None:
                continue
            link = self._link(name, address)
            try:
                await link.resume(request.token)
            except HaError as error:
                what = "remote node not connected to again: the next monitor of it fails"
                self._log.warning(what, node=name, reason=error)
                await link.close()
                continue
            self._links[name] = link

    async def _converse(self) -> None:
        answers: list[Answer] = []
        async for call_id, request in self._executing.client.delegated(answers.append):
            if request is None:
                task = self._work.pop(call_id, None)
                if task is not None:
                    task.cancel()
                continue
            self._begin(call_id, self._answered(call_id, request, answers[0]))

    def _begin(self, call_id: int, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._work[call_id] = task
        task.add_done_callback(lambda _: self._work.pop(call_id, None))

    async def _answered(self, call_id: int, request: OperationRequest, answer: Answer) -> None:
        try:
            outcome = await self._outcome(request)
        except HaError as error:
            outcome = failure(str(error))
        answer(call_id, outcome)

    async def _outcome(self, request: OperationRequest) -> Outcome:
        name = NodeName(request.resource)
        link = self._links.get(name)
        match request.operation:
            case "start" | "migrate_from":
                return await self._start(name, request)
            case "stop":
                if link is not None:
                    del self._links[name]
                    await link.end()
                return Outcome(code=OcfCode.OK)
            case "monitor":
                known = link.link if link is not None else None
                return monitored(known, is_probe=request.is_probe)
            case "migrate_to" if link is not None and link.link is not None:
                outcome = monitored(link.link, is_probe=False)
                if outcome.code is OcfCode.OK:
                    link.hand_over()
                return outcome
            case "migrate_to":
                return monitored(None, is_probe=False)
            case "reload" | "reload-agent":
                return Outcome(code=OcfCode.OK)
            case _:
                return Outcome(code=OcfCode.UNIMPLEMENTED, status=OpStatus.NOT_SUPPORTED)

    async def _start(self, name: NodeName, request: OperationRequest) -> Outcome:
        address = address_of(request)
        if address is None:
            what = "server and port name no address at which a remote node could listen"
            return failure(what, OcfCode.NOT_CONFIGURED)
        before = self._links.pop(name, None)
        if before is not None:
            await before.close()
        anew = request.operation == "start"
        last = f"nothing answers at {address}"
        try:
            async with asyncio.timeout(max(1.0, request.timeout_ms / 1000 - _MARGIN_S)):
                while True:
                    link = self._link(name, address)
                    try:
                        await link.begin(request.token, anew=anew)
                    except BaseException as error:
                        await link.close()
                        if not isinstance(error, HaError) or isinstance(error, Refused | Rejected):
                            raise
                        last = str(error)
                        await asyncio.sleep(_AGAIN_S)
                        continue
                    self._links[name] = link
                    self._log.info("remote node connected", node=name, address=address)
                    return Outcome(code=OcfCode.OK)
        except TimeoutError:
            return failure(last)

    def _link(self, name: NodeName, address: str) -> NodeLink:
        endpoint = Endpoint(node=name, address=address, credentials=self._credentials)
        return NodeLink(self._site, name, ExecutorClient(endpoint, identity=self._identity))

    async def _seen(self, index: int) -> None:
        """Wait until the view contains a log position, for a moment.

        A change of nothing is no step of the watch. What is built on a view that is older after all
        relies on it, and is refused.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SEEN_S):
                while self._runner.state.view.index < index:
                    self._viewed.clear()
                    await self._viewed.wait()

    async def _lost(self, name: NodeName, reason: str) -> None:
        """Have the connection fail now, not at its next monitor."""
        token = self._runner.state.member.joined
        if token is None:
            return  # its next monitor tells
        request = OperationRequest(
            token=token,
            resource=name,  # type: ignore[arg-type]  # a connection has the name of its node
            agent=REMOTE_CONNECTION,
            operation=FAIL_BY_HAND,
            transition_key=_BY_ITSELF,
            user_data={"reason": f"the connection is lost: {reason}"},
        )
        try:
            await self._executing.client.execute(request)
        except HaError as error:
            what = "remote node lost, but its connection cannot be failed yet: its monitor will"
            self._log.warning(what, node=name, reason=error)

    # --- the DC's orders -----------------------------------------------------------------------

    async def order(self, name: NodeName, order: events.OrderReceived) -> int:
        """Run an operation on a remote node; return its call id there. Raises `HaError`."""
        operation = order.operation
        link = self._linked(name, order)
        call_id = await link.client.execute(operation)
        if operation.meta.get("record_pending", "true") != "false":
            link.put(QueuedPending(operation))
        return call_id

    async def cancel(self, name: NodeName, order: events.CancelReceived) -> bool:
        """End a recurring operation on a remote node; return whether it was there."""
        link = self._linked(name, order)
        found = await link.client.cancel(
            token=order.token,
            resource=order.resource,
            operation=order.operation,
            interval_ms=order.interval_ms,
        )
        link.put(
            QueuedRemoval(
                resource=order.resource, operation=order.operation, interval_ms=order.interval_ms
            )
        )
        return found

    async def forget(self, name: NodeName, order: events.ForgetReceived) -> bool:
        """Have a remote node forget a resource; return whether it was there."""
        link = self._linked(name, order)
        found = await link.client.forget(
            token=order.token,
            resource=order.resource,
            operation=order.operation,
            interval_ms=order.interval_ms,
            failure=order.failure,
        )
        link.put(
            QueuedRemoval(
                resource=order.resource,
                operation=order.operation,
                interval_ms=order.interval_ms,
                failure=order.failure,
            )
        )
        return found

    def _linked(
        self,
        name: NodeName,
        order: events.OrderReceived | events.CancelReceived | events.ForgetReceived,
    ) -> NodeLink:
        """Return the connection for an order that may be taken."""
        turn = Turn(self._runner.state, boot_ms())
        if isinstance(order, events.OrderReceived):
            fault = order_fault(turn, order.operation.token, order.boot_id)
        else:
            fault = order_fault(turn, order.token, None)
        if fault:
            raise Refused(fault)
        link = self._links.get(name)
        if link is None or link.link is None or link.link.phase is Phase.LOST:
            raise Refused(f"this node is not connected to the remote node {name}")
        return link
