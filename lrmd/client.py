"""How the node's other daemons and its tools speak to the executor: by unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import grpc
from msgspec import Struct

from lrmd.codec import (
    agent_message,
    agent_of,
    alert_run_message,
    delegated_outcome_message,
    delegated_run_of,
    failure_id_message,
    inventory_of,
    ocf_code,
    request_message,
    result_of,
    token_message,
)
from lrmd.metadata import ActionMetadata as ActionMetadata
from lrmd.metadata import AgentMetadata as AgentMetadata
from lrmd.metadata import ParameterMetadata as ParameterMetadata
from lrmd.metadata import read_metadata
from lrmd.operations.values import (
    Agent,
    AlertRun,
    FailureId,
    Inventory,
    OperationRequest,
    Outcome,
    Result,
)
from lrmd.relay_codec import answer_message, call_of
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.rpc import dial_bare, failure_of, introduced
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, ResourceId, Token
from raftmaker.vocabulary.relayed import RelayedAnswer, RelayedCall
from raftmaker.wire import executor_pb2 as pb
from raftmaker.wire import executor_pb2_grpc, types_pb2
from raftmaker.wire.types_pb2 import Identity

_Reply = TypeVar("_Reply")
_MEND = "is raftmaker-lrmd running there? (systemctl start raftmaker-lrmd)"
_MEND_REMOTE = "is raftmaker-remoted running there? (systemctl start raftmaker-remote)"
_QUICK_S = 10.0
_METADATA_S = 40.0


class Attended(Struct, frozen=True, kw_only=True):
    """What a remote node answers to the controller that attends to it."""

    boot_id: BootId
    is_leaving: bool
    """It was asked to stop, and waits for its resources to be moved."""


Asked = tuple[int, OperationRequest | None]
"""A call that the controller carries out itself; without operation: nobody waits any more."""
Answer = Callable[[int, Outcome], None]


class ExecutorClient:
    """This node's executor, or a remote node's.

    Every call raises `Unreachable`, `Refused` (an older token, another cluster), `TimedOut` or
    another `HaError`.
    """

    def __init__(self, target: Target, *, identity: Identity) -> None:
        """Name the unix socket or the remote node; it connects when first used."""
        self._where = f"the executor at {target}"
        self._mend = _MEND if isinstance(target, Path) else _MEND_REMOTE
        # Some of its streams last as long as the executor: with gRPC's interceptors, what is left
        # of one that is cut off is a task that is destroyed, which is told to the log.
        self._channel = dial_bare(target)
        self._stub = introduced(executor_pb2_grpc.ExecutorStub(self._channel), identity)
        self._identity = identity

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        await self._channel.close()

    async def hello(self) -> Identity:
        """Return who answers."""
        request = types_pb2.HelloRequest(identity=self._identity)
        reply = await self._ask(self._stub.Hello(request, timeout=_QUICK_S))
        identity: Identity = reply.identity
        return identity

    async def execute(self, request: OperationRequest) -> int:
        """Queue an operation; return its call id. Its results come from `results`."""
        reply = await self._ask(self._stub.Execute(request_message(request), timeout=_QUICK_S))
        call_id: int = reply.call_id
        return call_id

    async def run_by_hand(self, request: OperationRequest) -> Outcome:
        """Run an action that the cluster is told nothing of, to its end (features 27.8).

        Giving the call up ends the action.
        """
        limit_s = request.timeout_ms / 1000 + _QUICK_S
        reply = await self._ask(self._stub.RunByHand(request_message(request), timeout=limit_s))
        return Outcome(
            code=ocf_code(reply.code),
            status=OpStatus(reply.status),
            exit_reason=reply.exit_reason,
            output=reply.output,
        )

    async def cancel(
        self, *, token: Token, resource: ResourceId, operation: str, interval_ms: int
    ) -> bool:
        """End a recurring operation; a result CANCELLED follows. Return whether it was there."""
        request = pb.CancelRequest(
            token=token_message(token),
            resource=resource,
            operation=operation,
            interval_ms=interval_ms,
        )
        reply = await self._ask(self._stub.Cancel(request, timeout=_QUICK_S))
        return bool(reply.found)

    async def forget(
        self,
        *,
        token: Token,
        resource: ResourceId,
        operation: str = "",
        interval_ms: int = 0,
        failure: FailureId | None = None,
    ) -> bool:
        """Forget a resource, one operation or failure of it; return whether it was there."""
        request = pb.ForgetRequest(
            token=token_message(token),
            resource=resource,
            operation=operation,
            interval_ms=interval_ms,
            failure=failure_id_message(failure),
        )
        reply = await self._ask(self._stub.Forget(request, timeout=_QUICK_S))
        return bool(reply.found)

    async def raise_token(self, token: Token) -> Inventory:
        """Raise the token, persisted when this returns; return everything that is known there."""
        request = pb.RaiseTokenRequest(token=token_message(token))
        return inventory_of(await self._ask(self._stub.RaiseToken(request, timeout=_QUICK_S)))

    async def state(self) -> Inventory:
        """Return everything that is known there."""
        return inventory_of(await self._ask(self._stub.State(pb.StateRequest(), timeout=_QUICK_S)))

    async def results(self, after: int = 0) -> AsyncIterator[Result]:
        """Follow results from the first unconfirmed one after `after`.

        Ends only with an exception: `Unreachable` when the executor restarts; then ask for the
        state again and follow anew. `confirm` what is stored.
        """
        try:
            async for message in self._stub.Results(pb.ResultsRequest(after=after)):
                yield result_of(message)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._where, self._mend) from None

    async def confirm(self, serial: int) -> None:
        """Results up to `serial` are stored safely elsewhere."""
        await self._ask(self._stub.Confirm(pb.ConfirmRequest(serial=serial), timeout=_QUICK_S))

    async def metadata(self, agent: Agent) -> AgentMetadata:
        """Return what an agent says of itself."""
        return read_metadata(await self.metadata_xml(agent))

    async def metadata_xml(self, agent: Agent) -> str:
        """Return an agent's metadata as it prints it."""
        request = pb.MetadataRequest(agent=agent_message(agent))
        reply = await self._ask(self._stub.Metadata(request, timeout=_METADATA_S))
        return str(reply.xml)

    async def agents(self, standard: str = "", provider: str = "") -> tuple[Agent, ...]:
        """List the agents that are installed; an empty filter lets everything through."""
        request = pb.AgentsRequest(standard=standard, provider=provider)
        reply = await self._ask(self._stub.Agents(request, timeout=_QUICK_S))
        return tuple(agent_of(agent) for agent in reply.agents)

    async def alert(self, event: str, runs: tuple[AlertRun, ...]) -> None:
        """Have alert agents run; this does not wait for them. An event is told there once."""
        request = pb.AlertRequest(event=event, runs=[alert_run_message(run) for run in runs])
        await self._ask(self._stub.Alert(request, timeout=_QUICK_S))

    async def delegated(self, begun: Callable[[Answer], None]) -> AsyncIterator[Asked]:
        """Follow what this node's controller is to carry out itself (features 22.2).

        `begun` is given the function that answers; it is good while this goes on. Ends with an
        exception, or when another controller asks.
        """
        call = self._stub.Delegated()
        answers: asyncio.Queue[pb.DelegatedOutcome] = asyncio.Queue()

        def answer(call_id: int, outcome: Outcome) -> None:
            answers.put_nowait(delegated_outcome_message(call_id, outcome))

        async def write() -> None:
            while True:
                await call.write(await answers.get())

        begun(answer)
        async with aclosing(self._heard(call, write)) as heard:
            async for message in heard:
                yield delegated_run_of(message)

    async def attend(
        self, *, token: Token, router: str, begin: bool = False, timeout_s: float = _QUICK_S
    ) -> Attended:
        """Attend to a remote node. `Refused`: another controller does, or did with a newer DC."""
        request = pb.AttendRequest(token=token_message(token), router=router, begin=begin)
        reply = await self._ask(self._stub.Attend(request, timeout=timeout_s))
        return Attended(boot_id=BootId(reply.boot_id), is_leaving=reply.leaving)

    async def release(self, router: str) -> None:
        """Attend to a remote node no more."""
        await self._ask(self._stub.Release(pb.ReleaseRequest(router=router), timeout=_QUICK_S))

    async def keep_secret(self, resource: str, parameter: str, value: str | None) -> None:
        """Have a remote node keep a secret of a resource; None: remove it (features 27.31)."""
        request = pb.KeepSecretRequest(resource=resource, parameter=parameter, value=value)
        await self._ask(self._stub.KeepSecret(request, timeout=_QUICK_S))

    async def relay(
        self, router: str, answers: asyncio.Queue[RelayedAnswer]
    ) -> AsyncIterator[RelayedCall]:
        """Follow what the tools on a remote node ask of the cluster (features 22.5).

        What is put into `answers` goes there; bound that queue, since the other side may not read.
        Ends with an exception, or when another stream is opened there.
        """
        call = self._stub.Relay()

        async def write() -> None:
            await call.write(pb.RelayedAnswer(router=router))
            while True:
                await call.write(answer_message(await answers.get()))

        async with aclosing(self._heard(call, write)) as heard:
            async for message in heard:
                yield call_of(message)

    async def _heard(
        self, call: Any, write: Callable[[], Coroutine[Any, Any, None]]
    ) -> AsyncGenerator[Any, None]:
        """Yield what the other end of a stream says, while `write` says what this end has to."""
        writing = asyncio.create_task(write())
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                yield message
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._where, self._mend) from None
        finally:
            call.cancel()  # which ends a write under way: gRPC has it
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _ask(self, call: Awaitable[_Reply]) -> _Reply:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            failure: HaError = failure_of(error, self._where, self._mend)
            raise failure from None
