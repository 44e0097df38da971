"""The executor's gRPC service on the node's unix socket (proto/executor.proto)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc.aio

from lrmd.agents.classes import Agents
from lrmd.agents.delegated import Delegates
from lrmd.alerting import AlertAgents
from lrmd.attending import Attending
from lrmd.by_hand import ByHand
from lrmd.codec import (
    agent_message,
    agent_of,
    alert_run_of,
    delegated_outcome_of,
    delegated_run_message,
    failure_id_of,
    request_of,
    result_message,
    state_message,
    token_of,
)
from lrmd.operations.events import (
    Accepted,
    Cancel,
    Ended,
    Event,
    Execute,
    Forget,
    Raised,
    RaiseToken,
)
from lrmd.operations.events import Refused as TokenRefused
from lrmd.relay_codec import answer_of, call_message
from lrmd.relaying import ToolRelay
from lrmd.runner import Runner
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError, NotPermitted, Refused
from raftmaker.runtime.rpc import Service, abort
from raftmaker.runtime.secrets import NoSecret, Secrets
from raftmaker.vocabulary.ids import BootId, ResourceId
from raftmaker.wire import executor_pb2 as pb
from raftmaker.wire import executor_pb2_grpc, types_pb2
from raftmaker.wire.types_pb2 import Identity

_Answer = TypeVar("_Answer", Accepted, Ended, Raised)
_Reply = TypeVar("_Reply")
_Context = grpc.aio.ServicerContext[Any, Any]


class ExecutorServicer(executor_pb2_grpc.ExecutorServicer):
    """Turns calls into events, and answers into replies."""

    def __init__(
        self,
        *,
        runner: Runner,
        agents: Agents,
        alert_agents: AlertAgents,
        identity: Identity,
        boot_id: BootId,
        incarnation: str,
        secrets: Secrets,
        delegates: Delegates | None = None,
        attending: Attending | None = None,
        relay: ToolRelay | None = None,
    ) -> None:
        """`incarnation` is made anew at each start of the daemon.

        `delegates`: on a member; `attending` and `relay`: on a remote node.
        """
        self._relay = relay
        self._secrets = secrets
        self._delegates = delegates
        self._attending = attending
        self._runner = runner
        self._agents = agents
        self._alert_agents = alert_agents
        self._by_hand = ByHand(agents)
        self._identity = identity
        self._boot_id = boot_id
        self._incarnation = incarnation

    async def Hello(
        self, request: types_pb2.HelloRequest, context: _Context
    ) -> types_pb2.HelloReply:
        """Tell who answers; the gate has looked at the caller already."""
        return types_pb2.HelloReply(identity=self._identity)

    async def Execute(self, request: pb.ExecuteRequest, context: _Context) -> pb.ExecuteReply:
        """Queue an operation."""

        async def work() -> pb.ExecuteReply:
            event = Execute(at_ms=boot_ms(), wall_us=wall_us(), request=request_of(request))
            return pb.ExecuteReply(call_id=self._take(event, Accepted).call_id)

        return await _answered(context, work)

    async def RunByHand(self, request: pb.ExecuteRequest, context: _Context) -> pb.RunByHandReply:
        """Run an action for a person; answers when it has ended (features 27.8)."""

        async def work() -> pb.RunByHandReply:
            outcome = await self._by_hand.run(request_of(request))
            return pb.RunByHandReply(
                code=outcome.code,
                status=outcome.status,
                exit_reason=outcome.exit_reason,
                output=outcome.output,
            )

        return await _answered(context, work)

    async def Cancel(self, request: pb.CancelRequest, context: _Context) -> pb.CancelReply:
        """End a recurring operation."""

        async def work() -> pb.CancelReply:
            event = Cancel(
                at_ms=boot_ms(),
                wall_us=wall_us(),
                token=token_of(request.token),
                resource=ResourceId(request.resource),
                operation=request.operation,
                interval_ms=request.interval_ms,
            )
            return pb.CancelReply(found=self._take(event, Ended).found)

        return await _answered(context, work)

    async def Forget(self, request: pb.ForgetRequest, context: _Context) -> pb.ForgetReply:
        """Forget a resource."""

        async def work() -> pb.ForgetReply:
            event = Forget(
                at_ms=boot_ms(),
                wall_us=wall_us(),
                token=token_of(request.token),
                resource=ResourceId(request.resource),
                operation=request.operation,
                interval_ms=request.interval_ms,
                failure=failure_id_of(request),
            )
            return pb.ForgetReply(found=self._take(event, Ended).found)

        return await _answered(context, work)

    async def RaiseToken(
        self, request: pb.RaiseTokenRequest, context: _Context
    ) -> pb.ExecutorState:
        """Raise the token; when this answers, it is on the disk."""

        async def work() -> pb.ExecutorState:
            token = token_of(request.token)
            self._take(RaiseToken(at_ms=boot_ms(), wall_us=wall_us(), token=token), Raised)
            return self._state()

        return await _answered(context, work)

    async def State(self, request: pb.StateRequest, context: _Context) -> pb.ExecutorState:
        """Tell everything that runs and waits here."""
        return self._state()

    async def Results(
        self, request: pb.ResultsRequest, context: _Context
    ) -> AsyncIterator[pb.Result]:
        """Follow results; those up to `after` are confirmed by asking so."""
        self._runner.confirm(request.after)
        async for result in self._runner.results(request.after):
            yield result_message(result)

    async def Confirm(self, request: pb.ConfirmRequest, context: _Context) -> pb.ConfirmReply:
        """Results are stored safely elsewhere."""
        self._runner.confirm(request.serial)
        return pb.ConfirmReply()

    async def Metadata(self, request: pb.MetadataRequest, context: _Context) -> pb.MetadataReply:
        """Return an agent's metadata."""

        async def work() -> pb.MetadataReply:
            return pb.MetadataReply(xml=await self._agents.metadata(agent_of(request.agent)))

        return await _answered(context, work)

    async def Agents(self, request: pb.AgentsRequest, context: _Context) -> pb.AgentsReply:
        """List installed agents."""
        found = await self._agents.installed(request.standard, request.provider)
        return pb.AgentsReply(agents=[agent_message(agent) for agent in found])

    async def Alert(self, request: pb.AlertRequest, context: _Context) -> pb.AlertReply:
        """Begin to run alert agents."""
        self._alert_agents.take(request.event, map(alert_run_of, request.runs))
        return pb.AlertReply()

    async def Delegated(
        self, requests: AsyncIterator[pb.DelegatedOutcome], context: _Context
    ) -> AsyncIterator[pb.DelegatedRun]:
        """Have the controller carry out what it does itself."""
        if self._delegates is None:
            await abort(context, Refused("nothing is delegated here"))
            return
        answers = asyncio.create_task(self._delegated_answers(requests, self._delegates))
        try:
            async for call_id, request in self._delegates.conversation():
                yield delegated_run_message(call_id, request)
        finally:
            answers.cancel()

    async def _delegated_answers(
        self, requests: AsyncIterator[pb.DelegatedOutcome], delegates: Delegates
    ) -> None:
        async for message in requests:
            if message.call_id:
                delegates.answer(message.call_id, delegated_outcome_of(message))

    async def Attend(self, request: pb.AttendRequest, context: _Context) -> pb.AttendReply:
        """A member's controller attends to this remote node."""

        async def work() -> pb.AttendReply:
            attending = self._attends()
            attending.attend(
                request.router,
                token_of(request.token),
                self._runner.state.token,
                begin=request.begin,
            )
            return pb.AttendReply(boot_id=self._boot_id, leaving=attending.is_leaving)

        return await _answered(context, work)

    async def Release(self, request: pb.ReleaseRequest, context: _Context) -> pb.ReleaseReply:
        """A member's controller attends to this remote node no more."""

        async def work() -> pb.ReleaseReply:
            self._attends().release(request.router)
            return pb.ReleaseReply()

        return await _answered(context, work)

    async def KeepSecret(
        self, request: pb.KeepSecretRequest, context: _Context
    ) -> pb.KeepSecretReply:
        """Keep a secret for a member; who is on this node has the right to the files, or not."""

        async def work() -> pb.KeepSecretReply:
            self._attends()
            if context.peer().startswith("unix"):
                raise NotPermitted("secrets come from members; cibsecret sets them there")
            try:
                value = request.value if request.HasField("value") else None
                self._secrets.take(request.resource, request.parameter, value)
            except (NoSecret, OSError) as error:
                raise HaError(str(error)) from None
            return pb.KeepSecretReply(identity=self._identity)

        return await _answered(context, work)

    async def Relay(
        self, requests: AsyncIterator[pb.RelayedAnswer], context: _Context
    ) -> AsyncIterator[pb.RelayedCall]:
        """Have the member that attends to this remote node make the calls of its tools."""
        try:
            if self._relay is None:
                raise Refused("this is no remote node: its tools ask its own daemons")
            opening = await anext(requests, None)
            answers = asyncio.create_task(self._relayed_answers(requests, self._relay))
            try:
                async for call in self._relay.stream(opening.router if opening else ""):
                    yield call_message(call)
            finally:
                answers.cancel()
        except HaError as error:
            await abort(context, error)

    async def _relayed_answers(
        self, requests: AsyncIterator[pb.RelayedAnswer], relay: ToolRelay
    ) -> None:
        async for message in requests:
            relay.answer(answer_of(message))

    def _attends(self) -> Attending:
        if self._attending is None:
            raise Refused("this is no remote node: its own controller gives it orders")
        return self._attending

    def _take(self, event: Event, wanted: type[_Answer]) -> _Answer:
        answer = self._runner.take(event)
        if isinstance(answer, TokenRefused):
            raise Refused(f"a DC with a higher token was seen: {answer.highest}")
        assert isinstance(answer, wanted)
        return answer

    def _state(self) -> pb.ExecutorState:
        return state_message(self._runner.state, self._boot_id, self._incarnation)


async def _answered(context: _Context, work: Callable[[], Awaitable[_Reply]]) -> _Reply:
    try:
        return await work()
    except HaError as error:
        await abort(context, error)
        raise


def service_of(servicer: ExecutorServicer) -> Service:
    """Return what `serve` needs to offer it."""
    return Service(
        name="raftmaker.v1.Executor",
        servicer=servicer,
        register=executor_pb2_grpc.add_ExecutorServicer_to_server,
    )
