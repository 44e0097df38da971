"""The controller's values on the wire (proto/controller.proto)."""

from __future__ import annotations

from collections.abc import Mapping

from crmd.fsa import effects, events
from crmd.transition.throttle import NodeLoad, Throttle
from lrmd.codec import (
    failure_id_message,
    failure_id_of,
    request_message,
    request_of,
    result_message,
    token_message,
    token_of,
)
from lrmd.operations.values import Inventory
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session
from raftmaker.wire import controller_pb2 as pb
from raftmaker.wire import executor_pb2


def join_request(effect: effects.SendJoin) -> pb.JoinRequest:
    """Write a join; the caller's identity goes with the call."""
    return pb.JoinRequest(
        token=token_message(effect.token), boot_id=effect.boot_id, session=effect.session
    )


def join_requested(
    message: pb.JoinRequest, *, at_ms: int, call: int, dc: str
) -> events.JoinRequested:
    """Read a join."""
    return events.JoinRequested(
        at_ms=at_ms,
        call=call,
        dc=NodeName(dc),
        token=token_of(message.token),
        boot_id=BootId(message.boot_id),
        session=Session(message.session),
    )


def inventory_message(inventory: Inventory) -> executor_pb2.ExecutorState:
    """Write everything that an executor knows."""
    return executor_pb2.ExecutorState(
        boot_id=inventory.boot_id,
        incarnation=inventory.incarnation,
        token=token_message(inventory.token),
        history=[result_message(result) for result in inventory.history],
        pending=[
            executor_pb2.Pending(
                call_id=pending.call_id,
                request=request_message(pending.request),
                running=pending.running,
            )
            for pending in inventory.pending
        ],
    )


_MODE: Mapping[Throttle, pb.Throttle] = {
    Throttle.NONE: pb.THROTTLE_NONE,
    Throttle.LOW: pb.THROTTLE_LOW,
    Throttle.MEDIUM: pb.THROTTLE_MEDIUM,
    Throttle.HIGH: pb.THROTTLE_HIGH,
    Throttle.EXTREME: pb.THROTTLE_EXTREME,
}
_MODE_OF = {value: key for key, value in _MODE.items()}


def load_message(load: NodeLoad) -> pb.NodeLoad:
    """Write a node's load."""
    return pb.NodeLoad(mode=_MODE[load.mode], cores=load.cores, action_limit=load.action_limit)


def load_of(message: pb.NodeLoad) -> NodeLoad:
    """Read a node's load; a mode that this version does not know counts as low."""
    return NodeLoad(
        mode=_MODE_OF.get(message.mode, Throttle.LOW),
        cores=max(1, message.cores),
        action_limit=message.action_limit,
    )


def order_request(effect: effects.SendOrder) -> pb.OrderRequest:
    """Write an order."""
    return pb.OrderRequest(
        boot_id=effect.boot_id,
        operation=request_message(effect.operation),
        join_number=effect.join_number,
        remote_node=effect.remote,
    )


def order_received(message: pb.OrderRequest, *, at_ms: int, call: int) -> events.OrderReceived:
    """Read an order. Raises `Rejected` where it is not a whole one."""
    return events.OrderReceived(
        at_ms=at_ms,
        call=call,
        boot_id=BootId(message.boot_id),
        join_number=message.join_number,
        operation=request_of(message.operation),
    )


def cancel_request(effect: effects.SendCancel) -> executor_pb2.CancelRequest:
    """Write the order to end a recurring operation."""
    return executor_pb2.CancelRequest(
        token=token_message(effect.token),
        resource=effect.resource,
        operation=effect.operation,
        interval_ms=effect.interval_ms,
        remote_node=effect.remote,
    )


def cancel_received(
    message: executor_pb2.CancelRequest, *, at_ms: int, call: int
) -> events.CancelReceived:
    """Read the order to end a recurring operation."""
    return events.CancelReceived(
        at_ms=at_ms,
        call=call,
        token=token_of(message.token),
        resource=ResourceId(message.resource),
        operation=message.operation,
        interval_ms=message.interval_ms,
    )


def forget_request(effect: effects.SendForget) -> executor_pb2.ForgetRequest:
    """Write the order to forget a resource."""
    return executor_pb2.ForgetRequest(
        token=token_message(effect.token),
        resource=effect.resource,
        operation=effect.operation,
        interval_ms=effect.interval_ms,
        failure=failure_id_message(effect.failure),
        remote_node=effect.remote,
    )


def forget_received(
    message: executor_pb2.ForgetRequest, *, at_ms: int, call: int
) -> events.ForgetReceived:
    """Read the order to forget a resource."""
    return events.ForgetReceived(
        at_ms=at_ms,
        call=call,
        token=token_of(message.token),
        resource=ResourceId(message.resource),
        operation=message.operation,
        interval_ms=message.interval_ms,
        failure=failure_id_of(message),
    )


def progress_message(progress: effects.ReportProgress) -> pb.ProgressReply:
    """Write what followers see."""
    return pb.ProgressReply(
        state=progress.state,
        dc=progress.dc,
        token=token_message(progress.token),
        quorate=progress.quorate,
        actions_total=progress.actions_total,
        actions_done=progress.actions_done,
        running=progress.running,
        settled_index=progress.settled_index,
        transition=progress.transition,
    )
