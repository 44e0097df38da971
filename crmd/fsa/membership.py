"""This node as a member: it joins a DC, takes its orders, and keeps its executor's token high.

Invariant: an order is taken only under the token of the DC that this node joined last, in the
session that the order names, and while the node is not isolated (protocols, DC).
"""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa import effects, events
from crmd.fsa.cib import merge_status, node_state, state_with
from crmd.fsa.executor import AgentTraits, newest_serial
from crmd.fsa.history import needs_traits
from crmd.fsa.lease import may_ask
from crmd.fsa.purpose import AskingForJoin
from crmd.fsa.start_state import is_forced
from crmd.fsa.state import (
    LocalJoin,
    LocalOrder,
    Member,
    Queued,
    QueuedPending,
    QueuedRemoval,
    QueuedResult,
)
from crmd.fsa.turn import Turn, with_item, without
from lrmd.operations.values import OperationRequest
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import BootId, Token

MARK = "crm-debug-origin"
"""The attribute of `node_state` in which the DC gives the join's mark back (features 3.12)."""


def mark_of(token: Token, number: int) -> str:
    """Return what the DC writes into `node_state` when it stores the answer of a join."""
    return f"join-{token}-{number}"


def is_joined(turn: Turn) -> bool:
    """Tell whether the CIB shows what this node told at its last join."""
    state = node_state(turn.view.cib, turn.node)
    mark = turn.member.join_mark
    return bool(mark) and state is not None and state.get(MARK) == mark


def on_join_requested(turn: Turn, event: events.JoinRequested) -> None:
    """Raise the token of executor and fencer, then tell what runs and waits here."""
    mine = turn.mine
    fault = ""
    if event.boot_id != turn.config.boot_id or mine is None or mine.session != event.session:
        fault = "the join names another boot or session of this node"
    elif not turn.is_fresh or turn.isolation is not None:
        fault = "this node is out of contact with a majority of the voters"
    elif event.token < turn.view.facts.token or event.token < (turn.member.joined or Token()):
        fault = f"there is a newer DC than that of token {event.token}"
    elif not turn.member.is_executor_up:
        fault = "the executor of this node is not connected"
    elif not is_forced(turn):
        fault = "this node has not yet written in which state it joins (PCMK_node_start_state)"
    if fault:
        turn.refuse(event.call, ExitCode.TEMPFAIL, fault)
        return
    request = turn.number()
    join = LocalJoin(
        call=event.call,
        token=event.token,
        session=event.session,
        deadline_ms=turn.at_ms + turn.config.dead_ms,
    )
    turn.member = replace(turn.member, joins={**turn.member.joins, request: join})
    turn.emit(effects.RaiseToken(request=request, token=event.token))


def on_inventory(turn: Turn, event: events.ExecutorState) -> bool:
    """Finish a join; False: the inventory was not asked for by one."""
    join = turn.member.joins.get(event.request)
    if join is None:
        return False
    joins = without(turn.member.joins, event.request)
    turn.member = replace(turn.member, joins=joins)
    newer = any(other.token > join.token for other in joins.values())
    if newer or join.token < (turn.member.joined or Token()) or turn.isolation is not None:
        turn.refuse(join.call, ExitCode.TEMPFAIL, "a newer DC was joined meanwhile")
        return True
    member = turn.member
    count = member.join_count + 1
    number = turn.config.controller_start * 1_000_000 + count
    serial = newest_serial(event.inventory)
    turn.member = replace(
        member,
        joined=join.token,
        join_count=count,
        join_number=number,
        join_mark=mark_of(join.token, number),
        needs_join=False,
        incarnation=event.inventory.incarnation,
        keys={},
        known_serial=serial,
        queue=_after_join(member, serial),
    )
    turn.standing = replace(turn.standing, has_seen_dc=True)
    turn.emit(effects.JoinAccepted(call=join.call, inventory=event.inventory, number=number))
    return True


def _after_join(member: Member, serial: int) -> tuple[Queued, ...]:
    """What is still to be committed; entries of the batch under way keep their places."""
    kept: list[Queued] = []
    for place, entry in enumerate(member.queue):
        if isinstance(entry, QueuedResult):
            kept.append(replace(entry, is_known=entry.is_known or entry.result.serial <= serial))
        elif place < member.batch:
            # Should it fail, the inventory is newer than what it says.
            kept.append(replace(entry, is_known=True))
    return tuple(kept)


def order_fault(turn: Turn, token: Token, boot_id: BootId | None) -> str:
    """Say why an order must not be taken; empty: it may."""
    if boot_id is not None and boot_id != turn.config.boot_id:
        return "the order is for another boot of this node"
    if turn.isolation is not None or not turn.is_fresh or not turn.in_session:
        return "this node is out of contact with a majority of the voters"
    if token < turn.view.facts.token:
        return f"there is a newer DC than that of token {token}"
    if token != turn.member.joined:
        return f"this node has not joined the DC of token {token}"
    if not turn.member.is_executor_up:
        return "the executor of this node is not connected"
    return ""


def on_order(turn: Turn, event: events.OrderReceived) -> None:
    """Hand an operation to the executor; one that was taken before is answered, not repeated."""
    operation = event.operation
    fault = order_fault(turn, operation.token, event.boot_id)
    if not fault and event.join_number != turn.member.join_number:
        fault = "this node has joined anew since the order was given"
    if fault:
        turn.refuse(event.call, ExitCode.TEMPFAIL, fault)
        return
    known = turn.member.keys.get(operation.transition_key)
    if known is not None:
        turn.emit(effects.OrderTaken(call=event.call, call_id=known))
        return
    for request, order in turn.member.orders.items():
        asked = order.operation
        if asked is not None and asked.transition_key == operation.transition_key:
            again = replace(order, calls=(*order.calls, event.call))
            turn.member = replace(turn.member, orders={**turn.member.orders, request: again})
            return
    execute(turn, operation, calls=(event.call,))


def execute(
    turn: Turn,
    operation: OperationRequest,
    *,
    calls: tuple[int, ...] = (),
    action: int | None = None,
) -> None:
    """Give an operation to the local executor, and learn about its agent meanwhile."""
    if needs_traits(operation) and operation.agent not in turn.member.traits:
        turn.member = replace(
            turn.member, traits=with_item(turn.member.traits, operation.agent, None)
        )
        turn.emit(effects.ReadMetadata(operation.agent))
    request = turn.number()
    order = LocalOrder(calls=calls, operation=operation, action=action)
    turn.member = replace(turn.member, orders={**turn.member.orders, request: order})
    turn.emit(effects.Execute(request=request, operation=operation))


def on_cancel(turn: Turn, event: events.CancelReceived) -> None:
    """End a recurring operation, then remove it from the history."""
    fault = order_fault(turn, event.token, None)
    if fault:
        turn.refuse(event.call, ExitCode.TEMPFAIL, fault)
        return
    removal = QueuedRemoval(
        resource=event.resource, operation=event.operation, interval_ms=event.interval_ms
    )
    request = _ask(turn, event.call, removal)
    turn.emit(
        effects.Cancel(
            request=request,
            token=event.token,
            resource=event.resource,
            operation=event.operation,
            interval_ms=event.interval_ms,
        )
    )


def on_forget(turn: Turn, event: events.ForgetReceived) -> None:
    """Have the executor forget a resource, or a failure of it, then remove its history."""
    fault = order_fault(turn, event.token, None)
    if fault:
        turn.refuse(event.call, ExitCode.TEMPFAIL, fault)
        return
    removal = QueuedRemoval(
        resource=event.resource,
        operation=event.operation,
        interval_ms=event.interval_ms,
        failure=event.failure,
    )
    request = _ask(turn, event.call, removal)
    turn.emit(
        effects.Forget(
            request=request,
            token=event.token,
            resource=event.resource,
            operation=event.operation,
            interval_ms=event.interval_ms,
            failure=event.failure,
        )
    )


def _ask(turn: Turn, call: int, removal: QueuedRemoval) -> int:
    request = turn.number()
    order = LocalOrder(calls=(call,), removal=removal)
    turn.member = replace(turn.member, orders={**turn.member.orders, request: order})
    return request


def on_executed(turn: Turn, event: events.Executed) -> LocalOrder | None:
    """Answer the DC; what began is shown as pending, what was forgotten goes from the history."""
    order = turn.member.orders.get(event.request)
    if order is None:
        return None
    turn.member = replace(turn.member, orders=without(turn.member.orders, event.request))
    operation = order.operation
    if operation is None:
        assert order.removal is not None
        enqueue(turn, order.removal)
        for call in order.calls:
            turn.emit(effects.Ended(call=call, found=event.found))
        return order
    key = operation.transition_key
    if key not in turn.member.keys:  # otherwise its result was faster
        turn.member = replace(turn.member, keys={**turn.member.keys, key: event.call_id})
        shown = operation.meta.get("record_pending", "true") != "false"
        if shown and turn.isolation is None:
            enqueue(turn, QueuedPending(operation))
    for call in order.calls:
        turn.emit(effects.OrderTaken(call=call, call_id=event.call_id))
    return order


def on_refusal(turn: Turn, event: events.ExecutionRefused) -> LocalOrder | None:
    """Pass a refusal of the executor on to whoever asked."""
    join = turn.member.joins.get(event.request)
    if join is not None:
        turn.member = replace(turn.member, joins=without(turn.member.joins, event.request))
        turn.refuse(join.call, ExitCode.TEMPFAIL, event.reason)
        return None
    order = turn.member.orders.get(event.request)
    if order is None:
        return None
    turn.member = replace(turn.member, orders=without(turn.member.orders, event.request))
    if order.operation is not None:
        # Whether it runs is not known for sure: only a new inventory tells.
        turn.member = replace(turn.member, joined=None, needs_join=True)
    for call in order.calls:
        turn.refuse(call, ExitCode.TEMPFAIL, event.reason)
    return order


def on_result(turn: Turn, event: events.ExecutorResult) -> None:
    """Take a result on its way to the CIB; one that was sent twice is taken once."""
    result = event.result
    if result.serial <= turn.member.stored_serial:
        turn.emit(effects.ConfirmResults(turn.member.stored_serial))
        return
    for entry in turn.member.queue:
        if isinstance(entry, QueuedResult) and entry.result.serial == result.serial:
            return
    key = result.request.transition_key
    if key not in turn.member.keys:
        keys = {**turn.member.keys, key: result.call_id}
        turn.member = replace(turn.member, keys=keys)
    if turn.isolation is not None:
        # The next join tells what is left of it; nothing else of isolation survives (protocols).
        if not any(isinstance(entry, QueuedResult) for entry in turn.member.queue):
            turn.emit(effects.ConfirmResults(result.serial))
        return
    enqueue(turn, QueuedResult(result, is_known=result.serial <= turn.member.known_serial))


def enqueue(turn: Turn, entry: Queued) -> None:
    """Add to what is to be committed; the batch goes a little later, with what follows."""
    member = turn.member
    flush_at_ms = member.flush_at_ms
    if flush_at_ms is None:
        flush_at_ms = turn.at_ms + turn.config.batch_ms
    turn.member = replace(member, queue=(*member.queue, entry), flush_at_ms=flush_at_ms)


def on_metadata(turn: Turn, event: events.MetadataRead) -> None:
    """Remember what an agent's metadata says."""
    traits = {**turn.member.traits, event.agent: event.traits}
    turn.member = replace(turn.member, traits=traits)


def on_executor_lost(turn: Turn) -> None:
    """Nothing can be asked of the executor; what was asked has no answer."""
    member = turn.member
    for join in member.joins.values():
        turn.refuse(join.call, ExitCode.TEMPFAIL, "the executor of this node went away")
    for order in member.orders.values():
        for call in order.calls:
            turn.refuse(call, ExitCode.TEMPFAIL, "the executor of this node went away")
    doubtful = any(order.operation is not None for order in member.orders.values())
    turn.member = replace(
        member,
        is_executor_up=False,
        joins={},
        orders={},
        joined=None if doubtful else member.joined,
        needs_join=member.needs_join or doubtful,
    )


def on_executor_returned(turn: Turn, event: events.ExecutorReturned) -> None:
    """A new incarnation may have lost track of something: the DC takes a new inventory."""
    same = event.incarnation == turn.member.incarnation
    turn.member = replace(
        turn.member,
        is_executor_up=True,
        incarnation=event.incarnation,
        needs_join=turn.member.needs_join or not same,
        joined=turn.member.joined if same else None,
        stored_serial=turn.member.stored_serial if same else 0,
    )


def advance_joins_here(turn: Turn) -> None:
    """Refuse a join that the executor holds up: the DC must not take this node for unreachable."""
    for request, join in turn.member.joins.items():
        if turn.is_due(join.deadline_ms):
            turn.member = replace(turn.member, joins=without(turn.member.joins, request))
            turn.refuse(join.call, ExitCode.TEMPFAIL, "the executor of this node does not answer")


def advance_membership(turn: Turn) -> None:
    """Show the DC that this node has to be joined, where the CIB says that it is."""
    if not turn.member.needs_join or not turn.in_session or not turn.is_fresh:
        return
    state = node_state(turn.view.cib, turn.node)
    if state is None or state.get("join") != "member" or turn.is_recording(AskingForJoin):
        return
    if may_ask(turn):
        pending = state_with(turn.node, {"join": "pending"})
        turn.write((merge_status(pending),), AskingForJoin())


def traits_of(turn: Turn, request: OperationRequest) -> AgentTraits | None:
    """Return what is known of the operation's agent; None: wait for it."""
    if not needs_traits(request) or request.agent not in turn.member.traits:
        return AgentTraits()
    return turn.member.traits[request.agent]
