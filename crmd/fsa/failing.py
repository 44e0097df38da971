"""Telling the cluster that a resource has failed, as a person wants it (features 27.7).

The member's executor gives the result that a monitor would give, so that the failure is stored,
counted and recovered from as any other.
"""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa import events
from crmd.fsa.cib import lrm_resources, node_state
from crmd.fsa.effects import FailureOrdered, SendOrder
from crmd.fsa.joins import joiner_of
from crmd.fsa.state import Order
from crmd.fsa.turn import Turn, with_item
from lrmd.operations.values import FAIL_BY_HAND, Agent, OperationRequest, Standard
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ResourceId

_MARK = "by-hand"
"""No transition asked for it, so that the result makes the DC plan anew (features 3.18)."""


def on_fail_requested(turn: Turn, event: events.FailRequested) -> None:
    """Order the failure; the answer comes when the member has taken it."""
    dc = turn.dc
    assert dc is not None
    joiner = joiner_of(turn, event.node)
    if joiner is None:
        turn.refuse(event.call, ExitCode.NOSUCH, f"{event.node or 'nobody'} is no member now")
        return
    histories = lrm_resources(node_state(turn.view.cib, event.node))
    history = next((one for one in histories if one.id == event.resource), None)
    if history is None:
        reason = f"{event.node} knows nothing of a resource {event.resource!r}"
        turn.refuse(event.call, ExitCode.NOSUCH, reason)
        return
    agent = Agent(Standard(history.get("class")), history.get("provider"), history.get("type"))
    number = turn.number()
    effect = SendOrder(
        order=number,
        node=event.node,
        boot_id=joiner.boot_id,
        join_number=joiner.number,
        operation=OperationRequest(
            token=dc.token,
            resource=ResourceId(event.resource),
            agent=agent,
            operation=FAIL_BY_HAND,
            # Another one each time: a member takes an order once, by its key.
            transition_key=f"{number}:0:0:{_MARK}-{turn.config.uuid}",
        ),
        until_ms=turn.fresh_until_ms,
    )
    order = Order(effect=effect, call=event.call)
    turn.dc = replace(dc, orders=with_item(dc.orders, number, order))
    turn.emit(effect)


def on_ordered(turn: Turn, call: int, reason: str) -> None:
    """Answer who wanted it; `reason`: why the member did not take the order, if so."""
    if reason:
        turn.refuse(call, ExitCode.TEMPFAIL, reason)
    else:
        turn.emit(FailureOrdered(call))
