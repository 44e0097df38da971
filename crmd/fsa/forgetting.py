"""The DC's order to a member to forget: a resource, one operation of it, or its last failure."""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa.effects import SendForget
from crmd.fsa.purpose import ForAction
from crmd.fsa.state import Order
from crmd.fsa.turn import Turn, with_item
from lrmd.operations.values import FailureId
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.ids import NodeName, ResourceId

HERE = NodeName("")
"""The member itself is meant, no remote node."""


def send_forget(
    turn: Turn,
    node: NodeName,
    resource: str,
    *,
    operation: str = "",
    interval_ms: int = 0,
    failure: FailureId | None = None,
    action: int | None = None,
    cleanup: int | None = None,
    then: tuple[CibOperation, ...] = (),
    remote: NodeName = HERE,
) -> int:
    """Order a member to forget a resource, or one operation or failure of it.

    `then` is written when it has. `remote`: the remote node that is meant, by way of `node`.
    Return the number of the order.
    """
    dc = turn.dc
    assert dc is not None
    order = turn.number()
    effect = SendForget(
        order=order,
        node=node,
        token=dc.token,
        resource=ResourceId(resource),
        operation=operation,
        interval_ms=interval_ms,
        failure=failure,
        until_ms=turn.fresh_until_ms,
        remote=remote,
    )
    purpose = ForAction(dc.transition_count, action) if action is not None else None
    sent = Order(effect=effect, action=purpose, cleanup=cleanup, then=then)
    turn.dc = replace(dc, orders=with_item(dc.orders, order, sent))
    turn.emit(effect)
    return order
