"""How the other daemons and the tools speak to a fencer: by unix socket, or as a peer by TCP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import TypeVar

import grpc
from msgspec import Struct

from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.rpc import dial_bare, failure_of, introduced
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, IncidentId, NodeName, ResourceId, Session, Token
from raftmaker.wire import fencer_pb2, fencer_pb2_grpc, types_pb2
from raftmaker.wire.types_pb2 import Identity
from stonithd.history_wire import FencingInfo as FencingInfo
from stonithd.history_wire import info_of, message_of

_Reply = TypeVar("_Reply")
_MEND = "is raftmaker-stonithd running there? (systemctl start raftmaker-stonithd)"
_QUICK_S = 10.0
_PROBE_S = 120.0
_METADATA_S = 35.0


class FenceAnswer(Struct, frozen=True, kw_only=True):
    """How a fencing ended. Only `confirmed` says that the target is down."""

    confirmed: bool
    devices: tuple[ResourceId, ...] = ()
    reason: str = ""
    took_ms: int = 0


class DeviceInfo(Struct, frozen=True, kw_only=True):
    """A fence device as one node sees it; `usable`: enabled, allowed and installed there."""

    id: ResourceId
    agent: str
    targets: tuple[NodeName, ...]
    host_check: str
    usable: bool
    reason: str = ""


class ProbeAnswer(Struct, frozen=True, kw_only=True):
    """What a device's monitor, status or list said; `code` counts only with status DONE."""

    code: int
    status: OpStatus
    output: str = ""


class FencerClient:
    """One fencer. Every call raises `Unreachable`, `Refused`, `TimedOut` or another `HaError`."""

    def __init__(self, target: Target, *, identity: Identity) -> None:
        """Name the unix socket or the peer; it connects when first used."""
        self._where = f"the fencer at {target}"
        # What is left of a long stream that is cut off is told to the log by gRPC's interceptors.
        self._channel = dial_bare(target)
        self._stub = introduced(fencer_pb2_grpc.FencerStub(self._channel), identity)
        self._identity = identity

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        await self._channel.close()

    async def hello(self) -> Identity:
        """Return who answers."""
        request = types_pb2.HelloRequest(identity=self._identity)
        reply: types_pb2.HelloReply = await self._ask(self._stub.Hello(request, timeout=_QUICK_S))
        return reply.identity

    async def fence(
        self,
        *,
        token: Token,
        target: NodeName,
        boot_id: BootId,
        session: Session,
        action: str,
        timeout_ms: int = 0,
        delay_ms: int = 0,
        client: str = "",
        origin: NodeName | None = None,
        known_index: int = 0,
        incident: IncidentId | None = None,
        device: ResourceId | None = None,
        afresh: bool = False,
    ) -> FenceAnswer:
        """Fence `target` (off, reboot or on); answers when it is done.

        `afresh`: an equal fencing that is under way is not joined.
        `known_index`: log position of the configuration that the caller knows; on waits for it.
        There is no limit here: the fencer's own, from the devices' timeouts, always ends it.
        Raises `Refused` when nothing was run: an older token, or (for one `device`) not usable
        there. After `Unreachable` it is not known whether it was done: ask again, equal requests
        join.
        """
        request = fencer_pb2.FenceRequest(
            token=types_pb2.Token(generation=token.generation, counter=token.counter),
            target=target,
            boot_id=boot_id,
            session=session,
            action=action,
            timeout_ms=timeout_ms,
            delay_ms=delay_ms,
            client=client,
            origin=origin or "",
            known_index=known_index,
            incident=incident or "",
            device=device or "",
            afresh=afresh,
        )
        reply = await self._ask(self._stub.Fence(request))
        return FenceAnswer(
            confirmed=reply.confirmed,
            devices=tuple(ResourceId(name) for name in reply.devices),
            reason=reply.reason,
            took_ms=reply.took_ms,
        )

    async def raise_token(self, token: Token) -> Token:
        """Raise the token, persisted when this returns; return the highest that was seen there."""
        request = fencer_pb2.RaiseFencingTokenRequest(
            token=types_pb2.Token(generation=token.generation, counter=token.counter)
        )
        reply = await self._ask(self._stub.RaiseFencingToken(request, timeout=_QUICK_S))
        return Token(reply.token.generation, reply.token.counter)

    async def devices(self, target: NodeName | None = None) -> tuple[DeviceInfo, ...]:
        """List all devices, or those that this node can use against `target`."""
        request = fencer_pb2.DevicesRequest(target=target or "")
        reply = await self._ask(self._stub.Devices(request, timeout=_PROBE_S))
        return tuple(
            DeviceInfo(
                id=ResourceId(one.id),
                agent=one.agent,
                targets=tuple(NodeName(name) for name in one.targets),
                host_check=one.host_check,
                usable=one.usable,
                reason=one.reason,
            )
            for one in reply.devices
        )

    async def probe(
        self,
        device: ResourceId,
        action: str = "monitor",
        *,
        target: NodeName | None = None,
        timeout_ms: int = 0,
    ) -> ProbeAnswer:
        """Run a device's monitor, status or list, with its configured timeout and tries."""
        request = fencer_pb2.ProbeRequest(
            device=device, action=action, target=target or "", timeout_ms=timeout_ms
        )
        limit_s = timeout_ms / 1000 + _QUICK_S if timeout_ms else None
        reply = await self._ask(self._stub.Probe(request, timeout=limit_s))
        return ProbeAnswer(code=reply.code, status=OpStatus(reply.status), output=reply.output)

    async def metadata(self, agent: str) -> str:
        """Return a fence agent's metadata as it prints it: XML."""
        request = fencer_pb2.AgentMetadataRequest(agent=agent)
        reply = await self._ask(self._stub.AgentMetadata(request, timeout=_METADATA_S))
        return str(reply.xml)

    async def agents(self) -> tuple[str, ...]:
        """Return the names of the fence agents that are installed there, sorted."""
        request = fencer_pb2.FenceAgentsRequest()
        reply = await self._ask(self._stub.FenceAgents(request, timeout=_QUICK_S))
        return tuple(reply.agents)

    async def history(
        self, target: NodeName | None = None, *, local: bool = False
    ) -> tuple[FencingInfo, ...]:
        """List fencings, newest first: of all members, or of that node alone when `local`."""
        request = fencer_pb2.FencingHistoryRequest(target=target or "", local=local)
        reply = await self._ask(self._stub.FencingHistory(request, timeout=_QUICK_S))
        return tuple(info_of(one) for one in reply.fencings)

    async def follow(self) -> AsyncIterator[FencingInfo]:
        """Follow the fencings that end from now on; ends only with an exception."""
        try:
            async for one in self._stub.FollowFencings(fencer_pb2.FollowFencingsRequest()):
                yield info_of(one)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._where, _MEND) from None

    async def note(self, fencing: FencingInfo) -> None:
        """Tell the fencer of a fencing that has ended."""
        request = fencer_pb2.NoteFencingRequest(fencing=message_of(fencing))
        await self._ask(self._stub.NoteFencing(request, timeout=_QUICK_S))

    async def clear_history(
        self, target: NodeName | None = None, *, local: bool = False
    ) -> tuple[NodeName, ...]:
        """Forget fencings that have ended; return the members that did not answer."""
        request = fencer_pb2.ClearFencingHistoryRequest(target=target or "", local=local)
        reply = await self._ask(self._stub.ClearFencingHistory(request, timeout=_QUICK_S))
        return tuple(NodeName(name) for name in reply.missed)

    async def validate(
        self,
        agent: str,
        parameters: Mapping[str, str],
        *,
        device: ResourceId | None = None,
        timeout_ms: int = 0,
    ) -> ProbeAnswer:
        """Have an agent check parameters, by its validate-all (features 17.17).

        `device`: whose secrets are used. Raises `Rejected` for an agent that has no such action.
        """
        request = fencer_pb2.ValidateAgentRequest(
            agent=agent, parameters=parameters, device=device or "", timeout_ms=timeout_ms
        )
        limit_s = timeout_ms / 1000 + _QUICK_S if timeout_ms else _PROBE_S
        reply = await self._ask(self._stub.ValidateAgent(request, timeout=limit_s))
        return ProbeAnswer(code=reply.code, status=OpStatus(reply.status), output=reply.output)

    async def _ask(self, call: Awaitable[_Reply]) -> _Reply:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            failure: HaError = failure_of(error, self._where, _MEND)
            raise failure from None
