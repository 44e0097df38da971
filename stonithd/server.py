"""The fencer's gRPC service: to this node's daemons and tools, and to the other nodes' fencers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc

from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError, Refused, Rejected, Report
from raftmaker.runtime.rpc import Service, abort, caller
from raftmaker.vocabulary.codes import ExitCode, OpStatus
from raftmaker.vocabulary.ids import BootId, IncidentId, NodeName, ResourceId, Session, Token
from raftmaker.wire import fencer_pb2, fencer_pb2_grpc, types_pb2
from stonithd.agents import AgentResult, Agents
from stonithd.fencing.events import (
    FenceRequested,
    HistoryCleared,
    TokenSeen,
)
from stonithd.fencing.invocation import options_of
from stonithd.fencing.runs import TRIES
from stonithd.fencing.setup import Device, FenceAction, HostCheck
from stonithd.history_wire import FencingInfo, info_of, info_of_record, message_of
from stonithd.knowledge import Knowledge
from stonithd.offers import Offers, unusable_here
from stonithd.peers import Peers
from stonithd.runner import Runner

_HARMLESS = (FenceAction.MONITOR, FenceAction.STATUS, FenceAction.LIST)
_PROBE_MS = 60_000
_PEER_HISTORY_S = 1.0
_CONFIGURED_S = 10.0
_Context = grpc.aio.ServicerContext[Any, Any]


class FencerService(fencer_pb2_grpc.FencerServicer):
    """Turns calls into events and replies into answers."""

    def __init__(
        self,
        *,
        identity: types_pb2.Identity,
        runner: Runner,
        agents: Agents,
        offers: Offers,
        peers: Peers,
        knowledge: Knowledge,
    ) -> None:
        """Serve what `runner` decides; who asks for a device waits for the `knowledge` of it."""
        self._identity = identity
        self._runner = runner
        self._agents = agents
        self._offers = offers
        self._peers = peers
        self._knowledge = knowledge

    async def _wait_until_configured(self) -> None:
        """A fencer that has just started does not know the devices yet: do not say none can."""
        await self._knowledge.reached(0, within_s=_CONFIGURED_S)

    async def _knows_enough(self, request: fencer_pb2.FenceRequest) -> bool:
        """Wait for the configuration that the asker knows.

        Turned on by an older one, a node would count as unfenced by devices, or with parameters,
        that were not used. Off is not put off: what is known will do, or fail.
        """
        index = request.known_index if request.action == FenceAction.ON.value else 0
        return await self._knowledge.reached(index, within_s=_CONFIGURED_S) or index == 0

    def service(self) -> Service:
        """Return what `rpc.serve` wants."""
        return Service(
            name="raftmaker.v1.Fencer",
            servicer=self,
            register=fencer_pb2_grpc.add_FencerServicer_to_server,
        )

    async def Hello(
        self, request: types_pb2.HelloRequest, context: _Context
    ) -> types_pb2.HelloReply:
        """Say who this is; the gate has compared the identities."""
        return types_pb2.HelloReply(identity=self._identity)

    async def Fence(
        self, request: fencer_pb2.FenceRequest, context: _Context
    ) -> fencer_pb2.FenceReply:
        """Fence a node; answers when done."""
        await caller(context)
        try:
            action = _action(request.action)
        except HaError as error:
            await abort(context, error)
            raise
        if not await self._knows_enough(request):
            await abort(context, Refused("this fencer has not read the newest configuration yet"))
        reply = await self._runner.ask(
            FenceRequested(
                at_ms=boot_ms(),
                request=self._runner.next_request(),
                token=Token(request.token.generation, request.token.counter),
                target=NodeName(request.target),
                boot_id=BootId(request.boot_id),
                session=Session(request.session),
                action=action,
                timeout_ms=request.timeout_ms,
                delay_ms=request.delay_ms,
                jitter=random.random(),
                device=ResourceId(request.device),
                client=request.client,
                origin=NodeName(request.origin),
                known_index=request.known_index,
                incident=IncidentId(request.incident),
                afresh=request.afresh,
                wall_us=wall_us(),
            )
        )
        if reply.refused:
            await abort(context, Refused(reply.reason))
        return fencer_pb2.FenceReply(
            confirmed=reply.confirmed,
            devices=reply.devices,
            reason=reply.reason,
            took_ms=reply.took_ms,
        )

    async def RaiseFencingToken(
        self, request: fencer_pb2.RaiseFencingTokenRequest, context: _Context
    ) -> fencer_pb2.RaiseFencingTokenReply:
        """Raise the token; it is on disk when this answers."""
        await caller(context)
        self._runner.take(
            TokenSeen(boot_ms(), Token(request.token.generation, request.token.counter))
        )
        highest = self._runner.state.token
        return fencer_pb2.RaiseFencingTokenReply(
            token=types_pb2.Token(generation=highest.generation, counter=highest.counter)
        )

    async def Devices(
        self, request: fencer_pb2.DevicesRequest, context: _Context
    ) -> fencer_pb2.DevicesReply:
        """List the devices; with a target, those that this node can use against it."""
        await self._wait_until_configured()
        devices = self._runner.state.setup.devices
        target = NodeName(request.target)
        if target:
            able = await asyncio.gather(*(self._offers.can_fence(one, target) for one in devices))
            devices = tuple(one for one, can in zip(devices, able, strict=True) if can)
        listed = await asyncio.gather(*(self._listed(device) for device in devices))
        return fencer_pb2.DevicesReply(devices=listed)

    async def _listed(self, device: Device) -> fencer_pb2.Device:
        why_not = unusable_here(device, self._runner.state.node)
        targets = tuple(sorted({*device.host_list, *device.host_map}))
        if device.check() is HostCheck.DYNAMIC_LIST and not why_not:
            targets = await self._offers.targets(device)
        return fencer_pb2.Device(
            id=device.id,
            agent=device.agent,
            targets=targets,
            host_check=device.check().value,
            usable=not why_not,
            reason=why_not,
        )

    async def Probe(
        self, request: fencer_pb2.ProbeRequest, context: _Context
    ) -> fencer_pb2.ProbeReply:
        """Run a device's monitor, status or list (features 17.17, 17.43)."""
        await self._wait_until_configured()
        # An instance of a cloned device is named with its number.
        name = request.device.partition(":")[0]
        device = self._runner.state.setup.device(ResourceId(name))
        try:
            action = _action(request.action)
            if action not in _HARMLESS:
                raise _rejected("action", f"{action.value} is no probe", "monitor, status or list")
            if device is None:
                known = ", ".join(one.id for one in self._runner.state.setup.devices) or "none"
                raise _rejected("device", f"no device {request.device!r}", f"devices: {known}")
        except HaError as error:
            await abort(context, error)
            raise
        result = await self._probe(device, action, NodeName(request.target), request.timeout_ms)
        return fencer_pb2.ProbeReply(
            code=result.code, status=int(result.status), output=result.output
        )

    async def _probe(
        self, device: Device, action: FenceAction, target: NodeName, timeout_ms: int
    ) -> AgentResult:
        started_ms = boot_ms()
        limit_ms = timeout_ms or device.timeouts_ms.get(action, _PROBE_MS)
        result = AgentResult(status=OpStatus.TIMEOUT, output="no time is left for it")
        for _ in range(max(1, device.tries.get(action, TRIES))):
            left_ms = limit_ms - (boot_ms() - started_ms)
            if left_ms <= 0:
                break
            options = options_of(device, action, target)
            result = await self._agents.execute(device.agent, options, left_ms, device=device.id)
            is_answer = result.code == 0 or (action is FenceAction.STATUS and result.code == 2)
            if result.status is not OpStatus.DONE or is_answer:
                break
        return result

    async def AgentMetadata(
        self, request: fencer_pb2.AgentMetadataRequest, context: _Context
    ) -> fencer_pb2.AgentMetadataReply:
        """Return a fence agent's metadata (features 17.17)."""
        try:
            return fencer_pb2.AgentMetadataReply(xml=await self._agents.metadata(request.agent))
        except HaError as error:
            await abort(context, error)
            raise

    async def FenceAgents(
        self, request: fencer_pb2.FenceAgentsRequest, context: _Context
    ) -> fencer_pb2.FenceAgentsReply:
        """List the fence agents that are installed."""
        return fencer_pb2.FenceAgentsReply(agents=self._agents.installed())

    async def FencingHistory(
        self, request: fencer_pb2.FencingHistoryRequest, context: _Context
    ) -> fencer_pb2.FencingHistoryReply:
        """List fencings, newest first: this node's, and the other members' unless told not to."""
        target = _target(request.target)
        found = {
            (record.keeper, record.number): info_of_record(record)
            for record in self._runner.state.history
            if target in ("", record.target)
        }
        if not request.local:
            others = await asyncio.gather(
                *(self._history_of(node, target) for node in self._others())
            )
            for info in (info for infos in others for info in infos):
                found.setdefault((info.keeper, info.number), info)
        newest_first = sorted(found.values(), key=lambda one: -one.at_us)
        return fencer_pb2.FencingHistoryReply(fencings=map(message_of, newest_first))

    async def _history_of(self, node: NodeName, target: NodeName) -> tuple[FencingInfo, ...]:
        try:
            async with asyncio.timeout(_PEER_HISTORY_S):
                return await self._peers.client(node).history(target, local=True)
        except (HaError, TimeoutError):
            return ()

    def _others(self) -> tuple[NodeName, ...]:
        state = self._runner.state
        return tuple(node for node in state.setup.members if node != state.node)

    async def FollowFencings(
        self, request: fencer_pb2.FollowFencingsRequest, context: _Context
    ) -> AsyncIterator[fencer_pb2.Fencing]:
        """Follow the fencings that end from now on."""
        await caller(context)
        async for info in self._runner.ended():
            yield message_of(info)

    async def NoteFencing(
        self, request: fencer_pb2.NoteFencingRequest, context: _Context
    ) -> fencer_pb2.NoteFencingReply:
        """Remember what a peer saw to."""
        await caller(context)
        self._runner.note(info_of(request.fencing))
        return fencer_pb2.NoteFencingReply()

    async def ClearFencingHistory(
        self, request: fencer_pb2.ClearFencingHistoryRequest, context: _Context
    ) -> fencer_pb2.ClearFencingHistoryReply:
        """Forget what has ended, here and, unless told not to, at the other members."""
        await caller(context)
        target = _target(request.target)
        self._runner.take(HistoryCleared(boot_ms(), target))
        others = () if request.local else self._others()
        done = await asyncio.gather(*(self._clear_at(node, target) for node in others))
        missed = [node for node, ok in zip(others, done, strict=True) if not ok]
        return fencer_pb2.ClearFencingHistoryReply(missed=missed)

    async def _clear_at(self, node: NodeName, target: NodeName) -> bool:
        try:
            async with asyncio.timeout(_PEER_HISTORY_S):
                await self._peers.client(node).clear_history(target, local=True)
        except (HaError, TimeoutError):
            return False
        return True

    async def ValidateAgent(
        self, request: fencer_pb2.ValidateAgentRequest, context: _Context
    ) -> fencer_pb2.ProbeReply:
        """Run an agent's validate-all (features 17.17)."""
        await caller(context)
        agent = request.agent
        try:
            await self._agents.metadata(agent)  # says why, where there is none
            abilities = await self._agents.abilities(agent)
            if abilities is None or FenceAction.VALIDATE_ALL not in abilities.actions:
                raise _rejected(agent, "its metadata offers no validate-all", "use another agent")
        except HaError as error:
            await abort(context, error)
            raise
        given = dict(request.parameters)
        # Some agents take no parameters without a target.
        if abilities.target_parameter and abilities.target_parameter not in given:
            given[abilities.target_parameter] = self._runner.state.node
        result = await self._agents.execute(
            agent,
            (("action", FenceAction.VALIDATE_ALL.value), *sorted(given.items())),
            request.timeout_ms or _PROBE_MS,
            device=request.device,
        )
        return fencer_pb2.ProbeReply(
            code=result.code, status=int(result.status), output=result.output
        )


def _target(text: str) -> NodeName:
    return NodeName("" if text == "*" else text)


def _action(text: str) -> FenceAction:
    try:
        return FenceAction(text)
    except ValueError:
        allowed = ", ".join(action.value for action in FenceAction)
        raise _rejected("action", f"{text!r} is no action", f"one of {allowed}") from None


def _rejected(where: str, what: str, mend: str) -> Rejected:
    report = Report(code="bad-request", where=where, what=what, mend=mend)
    return Rejected(ExitCode.USAGE, (report,))
