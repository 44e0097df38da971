"""What a new view of the CIB means to the DC: results of its actions, and reasons to plan anew.

Whatever the running graph was not made for aborts it (features 16.33); results that it expects and
what its own fencings and shutdowns do to a node do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.model.connections import is_connection
from crmd.fsa.cib import lrm_resources, transient_pairs
from crmd.fsa.history import is_failure
from crmd.fsa.membership import MARK
from crmd.fsa.refusals import has_refused
from crmd.fsa.state import FencePhaseHere
from crmd.fsa.turn import Turn, with_item
from crmd.fsa.unfencing import ATTRIBUTES as UNFENCING
from crmd.scheduler.graph import ActionKind, GraphAction
from crmd.transition.values import ActionDone, ActionFailed, NodeGone, Progress
from lrmd.operations.values import FAIL_BY_HAND
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import NodeName

MEMBERSHIP = ("in_ccm", "crmd", "join", "expected")
_SAME = ("transition-magic", "call-id", "last-rc-change")


Happened = ActionDone | ActionFailed | NodeGone


class Changes(Struct, frozen=True):
    """What happened to the actions of the graph, and why to plan anew (empty: no reason)."""

    results: tuple[Happened, ...] = ()
    reasons: tuple[str, ...] = ()
    is_news: bool = False
    """More than the joins by which members that refused an order tell again what they told."""


def changes_of(turn: Turn, old: Element | None, new: Element) -> Changes:
    """Compare two views of the CIB; the cost is in proportion to what changed."""
    if old is None or old is new:
        return Changes()
    before, after = old.child("configuration"), new.child("configuration")
    reasons: list[str] = []
    rejoined: list[str] = []
    if before is not after and before != after:
        reasons.append("the configuration changed")
    results: list[Happened] = []
    was, now = _status(old), _status(new)
    for key in sorted({*was, *now}):
        left, right = was.get(key), now.get(key)
        if left is right or left == right:
            continue
        if key[0] != "node_state":
            reasons.append(f"{key[0]} changed")
            continue
        _node_changes(turn, left, right, results, reasons, rejoined)
    is_news = bool(results or reasons)
    return Changes(tuple(results), (*reasons, *rejoined), is_news)


def _status(cib: Element) -> dict[tuple[str, str], Element]:
    status = cib.child("status")
    return {(one.tag, one.id): one for one in status.each()} if status is not None else {}


def _node_changes(
    turn: Turn,
    old: Element | None,
    new: Element | None,
    results: list[Happened],
    reasons: list[str],
    rejoined: list[str],
) -> None:
    node = NodeName((new or old or Element("")).id)
    if _brought_down(turn, node) and not _returned(old, new):
        return
    for name in MEMBERSHIP:
        was = old.get(name) if old is not None else ""
        now = new.get(name) if new is not None else ""
        if was != now:
            again = name == "join" and has_refused(turn, node)
            told = rejoined if again else reasons
            told.append(f"{node}: {name} is {now or 'gone'}, was {was or 'unset'}")
    reasons.extend(_attribute_changes(turn, node, old, new))
    _history_changes(turn, node, old, new, results, reasons)


def _brought_down(turn: Turn, node: NodeName) -> bool:
    """The running graph fences the node or lets it leave: that its state goes is expected."""
    dc = turn.dc
    transition = dc.transition if dc is not None else None
    if dc is None or transition is None or transition.abort is not None:
        return False
    fencing = dc.fencings.get(node)
    if fencing is not None and fencing.phase is FencePhaseHere.HELD:
        return False  # it may come back, or be lost altogether
    return any(
        action.kind is ActionKind.CLUSTER
        and action.operation in ("stonith", "do_shutdown")
        and action.on_node == node
        and not action.is_unfencing
        and transition.progress[action.id] in (Progress.RUNNING, Progress.DONE)
        for action in transition.actions.values()
    )


def _returned(old: Element | None, new: Element | None) -> bool:
    """The node has come, or was joined: the graph that brought it down is not made for that."""
    if new is None or new.get("in_ccm") in ("", "0"):
        return False
    return old is None or any(old.get(name) != new.get(name) for name in ("in_ccm", MARK))


def _attribute_changes(
    turn: Turn, node: NodeName, old: Element | None, new: Element | None
) -> Iterator[str]:
    was, now = (
        {pair.get("name"): pair.get("value") for pair in transient_pairs(state)}
        for state in (old, new)
    )
    for name in sorted({*was, *now}):
        if name in UNFENCING and name in now and _is_unfenced_by_graph(turn, node):
            continue
        if was.get(name) != now.get(name):
            yield f"{node}: attribute {name} is {now.get(name, 'gone')}"


def _is_unfenced_by_graph(turn: Turn, node: NodeName) -> bool:
    """The running graph unfences the node: that its attributes say so is expected."""
    transition = turn.dc.transition if turn.dc is not None else None
    return transition is not None and any(
        action.is_unfencing
        and action.on_node == node
        and transition.progress[action.id] in (Progress.RUNNING, Progress.DONE)
        for action in transition.actions.values()
    )


def _history_changes(
    turn: Turn,
    node: NodeName,
    old: Element | None,
    new: Element | None,
    results: list[Happened],
    reasons: list[str],
) -> None:
    was = {resource.id: resource for resource in lrm_resources(old)}
    now = {resource.id: resource for resource in lrm_resources(new)}
    for name in sorted(was):
        if name not in now and not _is_forgotten(turn, node, name):
            reasons.append(f"{node}: the history of {name} is gone")
    for name in sorted(now):
        before, after = was.get(name), now[name]
        if before is after:
            continue
        known = {op.id: op for op in before.children} if before is not None else {}
        for op in after.each("lrm_rsc_op"):
            there = known.get(op.id)
            if there is None or any(there.get(part) != op.get(part) for part in _SAME):
                _operation_change(turn, node, op, results, reasons)
                if _is_lost_connection(after, op):
                    results.append(NodeGone(turn.at_ms, name))


def _is_lost_connection(resource: Element, op: Element) -> bool:
    """The connection to a remote node has failed: what was asked there will never end."""
    if not is_connection(resource):
        return False
    result = _result_of(op) if op.get("operation") in (FAIL_BY_HAND, "monitor") else None
    if result is None or result.status in (OpStatus.PENDING, OpStatus.CANCELLED):
        return False
    return is_failure(result.status, result.code, result.expected)


def _is_forgotten(turn: Turn, node: NodeName, resource: str) -> bool:
    transition = turn.dc.transition if turn.dc is not None else None
    return transition is not None and any(
        _forgets(action, node, resource) and transition.progress[action.id] is not Progress.WAITING
        for action in transition.actions.values()
    )


def _forgets(action: GraphAction, node: NodeName, resource: str) -> bool:
    return (
        action.operation in ("delete", "lrm_delete")
        and action.on_node == node
        and action.resource is not None
        and action.resource.id == resource
    )


def _operation_change(
    turn: Turn,
    node: NodeName,
    op: Element,
    results: list[Happened],
    reasons: list[str],
) -> None:
    """Match one result with the graph (features 3.18, 16.33)."""
    dc = turn.dc
    assert dc is not None
    result = _result_of(op)
    if result is None:
        reasons.append(f"{node}: {op.get('operation_key')} has no readable transition key")
        return
    if result.status in (OpStatus.PENDING, OpStatus.CANCELLED):
        return
    what = f"{op.get('operation_key')} on {node}"
    ours = result.uuid == turn.config.uuid and result.transition == dc.transition_count
    if not ours:
        reasons.append(f"{what}: a result that this graph did not ask for")
        return
    magic = op.get("transition-magic")
    transition = dc.transition
    progress = transition.progress.get(result.action) if transition is not None else None
    if progress is Progress.RUNNING and result.action not in dc.magics:
        turn.dc = replace(dc, magics=with_item(dc.magics, result.action, magic))
        if is_failure(result.status, result.code, result.expected):
            why = f"exit code {result.code}, {result.status.name.lower()}"
            results.append(ActionFailed(turn.at_ms, result.action, why))
        else:
            results.append(ActionDone(turn.at_ms, result.action))
    elif dc.magics.get(result.action) != magic:
        turn.dc = replace(dc, magics=with_item(dc.magics, result.action, magic))
        reasons.append(f"{what}: another result than before")


class _Result(Struct, frozen=True, kw_only=True):
    action: int
    transition: int
    expected: int
    uuid: str
    status: OpStatus
    code: int


def _result_of(op: Element) -> _Result | None:
    parts = op.get("transition-key").split(":", 3)
    try:
        return _Result(
            action=int(parts[0]),
            transition=int(parts[1]),
            expected=int(parts[2]),
            uuid=parts[3],
            status=OpStatus(int(op.get("op-status", "0"))),
            code=int(op.get("rc-code", "0")),
        )
    except (ValueError, IndexError):
        return None
