"""A transition's actions become orders, writes, or fencings (features 16.29, 16.30)."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from crmd.fsa import events
from crmd.fsa.cib import (
    lrm_resources,
    merge_status,
    node_state,
    state_with,
)
from crmd.fsa.cleanup import failure_removals, on_forgotten
from crmd.fsa.effects import SendCancel, SendForget, SendOrder
from crmd.fsa.failing import on_ordered
from crmd.fsa.fencing import fence_for_action
from crmd.fsa.forgetting import send_forget
from crmd.fsa.history import failure_of
from crmd.fsa.joins import joiner_of, on_join_order_ended, rejoin
from crmd.fsa.purpose import ForAction
from crmd.fsa.refusals import note_refusal, refused_order
from crmd.fsa.state import Dc, Order
from crmd.fsa.turn import Turn, with_item, without
from crmd.fsa.unfencing import unfence_for_action
from crmd.remote.nodes import is_remote, router_of
from crmd.scheduler.graph import ActionKind, GraphAction
from crmd.transition.values import ActionDone, ActionFailed
from lrmd.operations.values import Agent, FailureId, OperationRequest, Standard
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.ids import NodeName, ResourceId, Token

META = "CRM_meta_"
Result = ActionDone | ActionFailed


def transition_key(action: GraphAction, number: int, uuid: str) -> str:
    """Return the key by which a result is matched with its plan (features 3.18)."""
    return f"{action.id}:{number}:{expected_code(action)}:{uuid}"


def expected_code(action: GraphAction) -> int:
    """Return the exit code for which the scheduler hopes."""
    return int(action.attributes.get("CRM_meta_op_target_rc", "0"))


def operation_of(action: GraphAction, *, key: str, token: Token) -> OperationRequest | None:
    """Return the executor's operation of a resource action; None: its class is unknown."""
    resource = action.resource
    if resource is None:
        return None
    try:
        standard = Standard(resource.standard)
        code = OcfCode(expected_code(action))
    except ValueError:
        return None
    meta = {
        name.removeprefix(META): value
        for name, value in action.attributes.items()
        if name.startswith(META)
    }
    parameters = {
        name: value for name, value in action.attributes.items() if not name.startswith(META)
    }
    return OperationRequest(
        token=token,
        resource=ResourceId(resource.id),
        agent=Agent(standard, resource.provider or "", resource.type),
        operation=action.operation,
        interval_ms=action.interval_ms,
        timeout_ms=action.timeout_ms if action.timeout_ms is not None else 20_000,
        start_delay_ms=int(meta.get("start_delay", "0")),
        parameters=parameters,
        meta=meta,
        transition_key=key,
        expected_code=code,
    )


def dispatch(turn: Turn, action: GraphAction) -> Result | None:
    """Have an action carried out; a result is returned where it is known at once."""
    match action.kind:
        case ActionKind.RESOURCE:
            return _resource_action(turn, action)
        case ActionKind.CLUSTER:
            return _cluster_action(turn, action)
        case ActionKind.PSEUDO:
            return ActionDone(turn.at_ms, action.id)
        case _:
            assert_never(action.kind)


def _resource_action(turn: Turn, action: GraphAction) -> Result | None:
    match action.operation:
        case "cancel":
            return _cancel(turn, action)
        case "delete" | "lrm_delete":
            return _forget(turn, action)
        case _:
            return _order(turn, action)


def _cluster_action(turn: Turn, action: GraphAction) -> Result | None:
    match action.operation:
        case "stonith" if action.is_unfencing:
            return unfence_for_action(turn, action)
        case "stonith":
            return fence_for_action(turn, action)
        case "lrm_delete" | "delete":
            return _forget(turn, action)
        case "clear_failcount":
            return _clear_failcount(turn, action)
        case "do_shutdown":
            return _shut_down(turn, action)
        case _:
            failed = f"{action.operation} is not known to this controller"
            return ActionFailed(turn.at_ms, action.id, failed)


def _nobody(turn: Turn, action: GraphAction) -> Result:
    place = action.router_node or action.on_node
    return ActionFailed(turn.at_ms, action.id, f"{place} is no member that takes orders")


def _order(turn: Turn, action: GraphAction) -> Result | None:
    dc = turn.dc
    assert dc is not None
    node = action.router_node or action.on_node
    joiner = joiner_of(turn, node)
    if node is None or joiner is None:
        return _nobody(turn, action)
    key = transition_key(action, dc.transition_count, turn.config.uuid)
    operation = operation_of(action, key=key, token=dc.token)
    if operation is None:
        return ActionFailed(turn.at_ms, action.id, "no executor knows this class of resource")
    order = turn.number()
    effect = SendOrder(
        order=order,
        node=NodeName(node),
        boot_id=joiner.boot_id,
        join_number=joiner.number,
        operation=operation,
        until_ms=turn.fresh_until_ms,
        remote=_remote(action),
    )
    purpose = ForAction(dc.transition_count, action.id)
    _send(turn, dc, order, Order(effect=effect, action=purpose))
    return None


def _cancel(turn: Turn, action: GraphAction) -> Result | None:
    dc = turn.dc
    assert dc is not None
    node = action.router_node or action.on_node
    if node is None or action.resource is None or joiner_of(turn, node) is None:
        return _nobody(turn, action)
    order = turn.number()
    effect = SendCancel(
        order=order,
        node=NodeName(node),
        token=dc.token,
        resource=ResourceId(action.resource.id),
        operation=action.attributes.get("CRM_meta_operation", "monitor"),
        interval_ms=action.interval_ms,
        until_ms=turn.fresh_until_ms,
        remote=_remote(action),
    )
    purpose = ForAction(dc.transition_count, action.id)
    _send(turn, dc, order, Order(effect=effect, action=purpose))
    return None


def _forget(turn: Turn, action: GraphAction) -> Result | None:
    node = action.router_node or action.on_node
    if node is None or action.resource is None or joiner_of(turn, node) is None:
        return _nobody(turn, action)
    send_forget(turn, NodeName(node), action.resource.id, action=action.id, remote=_remote(action))
    return None


def _remote(action: GraphAction) -> NodeName:
    """The remote node where an action happens; empty: it happens on a member (features 16.30)."""
    is_routed = action.router_node is not None and action.router_node != action.on_node
    return NodeName(action.on_node or "") if is_routed else NodeName("")


def _send(turn: Turn, dc: Dc, number: int, order: Order) -> None:
    turn.dc = replace(dc, orders=with_item(dc.orders, number, order))
    turn.emit(order.effect)


def _clear_failcount(turn: Turn, action: GraphAction) -> Result | None:
    if action.resource is None or action.on_node is None:
        return ActionDone(turn.at_ms, action.id)
    node, resource = NodeName(action.on_node), action.resource.id
    removals = failure_removals(turn, node, resource)
    failure = _failure(turn, node, resource)
    remote = node if is_remote(turn.view.cib, node) else NodeName("")
    member = router_of(turn.view.cib, node) if remote else node
    if failure is None or member is None or joiner_of(turn, member) is None:
        return _write(turn, action, removals)
    # The executor forgets first: what it still tells at a join, the failcount accounts for.
    send_forget(
        turn, member, resource, failure=failure, action=action.id, then=removals, remote=remote
    )
    return None


def _failure(turn: Turn, node: NodeName, resource: str) -> FailureId | None:
    for history in lrm_resources(node_state(turn.view.cib, node)):
        if history.id == resource:
            return failure_of(history)
    return None


def _shut_down(turn: Turn, action: GraphAction) -> Result | None:
    """Nothing runs there any more: the node itself sees this and leaves (features 24.12)."""
    down = state_with(NodeName(action.on_node or ""), {"expected": "down"})
    return _write(turn, action, (merge_status(down),))


def _write(turn: Turn, action: GraphAction, operations: tuple[CibOperation, ...]) -> Result | None:
    dc = turn.dc
    assert dc is not None
    if not operations:
        return ActionDone(turn.at_ms, action.id)
    turn.write(operations, ForAction(dc.transition_count, action.id), dc.token)
    return None


def on_order_ended(
    turn: Turn, event: events.OrderAccepted | events.OrderFailed
) -> tuple[ForAction, Result] | None:
    """Take note of a member's answer; an order without a clear one needs a new inventory.

    Return the action that has ended by it, and how. It may be one of an earlier transition, which
    did not wait for it.
    """
    dc = turn.dc
    order = dc.orders.get(event.order) if dc is not None else None
    if dc is None or order is None:
        return None
    turn.dc = replace(dc, orders=without(dc.orders, event.order))
    reason = ""
    if isinstance(event, events.OrderFailed):
        reason = event.reason or "no reason given"
        if event.reached and order.action is not None:
            note_refusal(turn, refused_order(order.effect))
        if not (order.effect.remote and event.reached):
            # A remote node that did not do it says nothing about the member on the way to it.
            rejoin(turn, event.node, reached=event.reached)
    if order.cleanup is not None and isinstance(order.effect, SendForget):
        on_forgotten(turn, order.cleanup, order.effect, reason, order.then)
    if order.call is not None:
        on_ordered(turn, order.call, reason)
        return None
    if order.action is None:
        on_join_order_ended(turn, event)
        return None
    if reason:
        return order.action, ActionFailed(turn.at_ms, order.action.action, reason)
    if isinstance(order.effect, SendOrder):
        return None  # its result comes through the CIB
    if order.then:
        turn.write(order.then, order.action, dc.token)
        return None
    return order.action, ActionDone(turn.at_ms, order.action.action)
