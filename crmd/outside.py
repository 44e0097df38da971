"""Everything that the controller reaches: store, members, executor, fencers, scheduler."""

from __future__ import annotations

import asyncio
import contextlib

from crmd.asking import Asking
from crmd.executing import Executing
from crmd.fsa import effects, events
from crmd.fsa.executor import AgentTraits
from crmd.peers import Peers
from crmd.scheduling import Failure
from crmd.storing import Storing
from lrmd.operations.values import Agent, Inventory
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError, Refused, Rejected
from raftmaker.runtime.logs import Log
from raftmaker.runtime.worker import Worker
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName, Token

_FENCER_AGAIN_S = 0.5


class SchedulerFailed(HaError):
    """The scheduler could not make a graph of this CIB."""


class Reach:
    """The daemon's own connections."""

    def __init__(
        self,
        *,
        node: NodeName,
        storing: Storing,
        executing: Executing,
        peers: Peers,
        worker: Worker,
        dead_ms: int,
        log: Log,
    ) -> None:
        """Use these parts."""
        self._node = node
        self._storing = storing
        self._executing = executing
        self._peers = peers
        self._worker = worker
        self._asking = Asking(worker.call)
        self._timeout_s = 2 * dead_ms / 1000
        self._log = log
        self._fencer_token = Token()
        self._raising: asyncio.Task[None] | None = None

    async def record(self, effect: effects.Record) -> tuple[ExitCode | None, int]:
        """Commit; return the code (None: not known) and the log position."""
        return await self._storing.record(effect)

    async def schedule(self, effect: effects.Schedule) -> events.ScheduleReady:
        """Compute a graph in the worker."""
        now_s = wall_us() // 1_000_000
        answer = await self._asking.ask(effect.cib, now_s)
        if isinstance(answer, Failure):
            kept = f"; its input is kept as {answer.input}" if answer.input else ""
            raise SchedulerFailed(f"{answer.reason}{kept}")
        return events.ScheduleReady(
            at_ms=boot_ms(),
            request=effect.request,
            graph=answer.graph,
            now_s=now_s,
            input=answer.input,
        )

    async def join(self, effect: effects.SendJoin) -> effects.JoinAccepted:
        """Ask a member to join."""
        self._worker.hurry()  # who has others join is going to plan
        controller = self._peers.controller(effect.node)
        return await controller.join(effect, timeout_s=self._timeout_s)

    async def order(
        self, effect: effects.SendOrder | effects.SendCancel | effects.SendForget
    ) -> int:
        """Give an order to a member."""
        controller = self._peers.controller(effect.node)
        return await controller.order(effect, timeout_s=self._timeout_s)

    async def execute(self, effect: effects.Execute | effects.Cancel | effects.Forget) -> int:
        """Ask the local executor; return its call id, or 1 where there was something to end."""
        client = self._executing.client
        match effect:
            case effects.Execute(operation=operation):
                return await client.execute(operation)
            case effects.Cancel():
                return await client.cancel(
                    token=effect.token,
                    resource=effect.resource,
                    operation=effect.operation,
                    interval_ms=effect.interval_ms,
                )
            case effects.Forget():
                return await client.forget(
                    token=effect.token,
                    resource=effect.resource,
                    operation=effect.operation,
                    interval_ms=effect.interval_ms,
                    failure=effect.failure,
                )

    async def raise_token(self, effect: effects.RaiseToken) -> Inventory:
        """Raise the token of the local fencer and executor.

        A fencer that is not there does not hold the join up: its token is raised as soon as it
        answers, and its own file keeps the last one until then.
        """
        if effect.token > self._fencer_token:
            self._fencer_token = effect.token
            if self._raising is not None:
                self._raising.cancel()
            tried = asyncio.Event()
            self._raising = asyncio.create_task(self._raise_fencer(effect.token, tried))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timeout_s / 2):
                    await tried.wait()
        return await self._executing.client.raise_token(effect.token)

    async def _raise_fencer(self, token: Token, tried: asyncio.Event) -> None:
        while True:
            try:
                await self._peers.fencer(self._node).raise_token(token)
                return
            except HaError as error:
                self._log.info("the fencer's token is not raised yet", reason=error)
            finally:
                tried.set()
            await asyncio.sleep(_FENCER_AGAIN_S)

    async def inventory(self) -> Inventory:
        """Ask the local executor what it knows."""
        return await self._executing.client.state()

    async def confirm(self, serial: int) -> None:
        """Tell the local executor which results are stored."""
        await self._executing.client.confirm(serial)

    async def traits(self, agent: Agent) -> AgentTraits:
        """Read an agent's metadata."""
        return await self._executing.traits(agent)

    async def fence(self, effect: effects.RunFencing) -> events.FencingEnded:
        """Have a fencer run its devices."""
        answer = await self._peers.fencer(effect.at).fence(
            token=effect.token,
            target=effect.target,
            boot_id=effect.boot_id,
            session=effect.session,
            action=effect.action,
            timeout_ms=effect.timeout_ms,
            delay_ms=effect.delay_ms,
            client=effect.client,
            afresh=effect.afresh,
            origin=effect.origin,
            known_index=effect.known_index,
        )
        return events.FencingEnded(
            at_ms=boot_ms(),
            request=effect.request,
            confirmed=answer.confirmed,
            now_s=wall_us() // 1_000_000,
            devices=tuple(str(device) for device in answer.devices),
            reason=answer.reason,
        )

    async def may_go_alone(self, effect: effects.AskToGoAlone) -> events.MayGoAlone:
        """Ask this node's store."""
        place, peer, boot_id = await self._storing.may_go_alone()
        return events.MayGoAlone(
            at_ms=boot_ms(), request=effect.request, place=place, peer=peer, boot_id=boot_id
        )

    async def go_alone(self, effect: effects.GoAlone) -> None:
        """Have this node's store go on alone."""
        await self._storing.go_alone(effect.place, effect.proof)

    def is_refusal(self, error: HaError) -> bool:
        """Tell whether the other side answered and did nothing."""
        return isinstance(error, Refused | Rejected)

    async def close(self) -> None:
        """End the connections and the worker."""
        if self._raising is not None:
            self._raising.cancel()
        await self._worker.close()
        await self._storing.close()
        await self._executing.client.close()
        await self._peers.close()
