"""A node without contact to a majority acts on its own resources only (protocols, Without quorum).

Invariant: it starts, promotes and migrates nothing, whatever the policy and the scheduler say: the
majority may run it already. It begins one dead time after its last acknowledged beat; a process
that was never answered has none, and takes a quarter of the others' grace longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa import events
from crmd.fsa.cib import node_state
from crmd.fsa.effects import AskExecutor, Schedule
from crmd.fsa.executor import Inventory
from crmd.fsa.history import is_failure, lrm_of
from crmd.fsa.lease import was_fenced
from crmd.fsa.membership import execute
from crmd.fsa.options import option
from crmd.fsa.orders import operation_of, transition_key
from crmd.fsa.state import Isolation, LocalOrder
from crmd.fsa.survival import keeps_what_runs
from crmd.fsa.turn import Turn
from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from crmd.transition.engine import step, transition_of
from crmd.transition.values import (
    ActionDone,
    ActionFailed,
    Begun,
    DeadlinePassed,
    Event,
    Limits,
    StartAction,
    TransitionEnded,
)
from lrmd.operations.values import Result
from raftmaker.vocabulary.ids import NodeName

SAFE = frozenset(("stop", "demote", "notify"))
"""What an isolated node may do; recurring monitors go on in the executor by themselves."""
_UNSAFE_POLICIES = ("fence", "suicide")
_RETRY_MS = 1_000


def advance_isolation(turn: Turn) -> None:
    """Begin, carry on or end isolation."""
    if is_isolated(turn):
        _advance(turn, turn.isolation or _begin(turn))
    elif turn.isolation is not None:
        # What runs goes on; the next join tells the DC what is left.
        turn.isolation = None


def is_isolated(turn: Turn) -> bool:
    """Tell whether one dead time has passed since the last acknowledged beat was sent.

    A process that was just started cannot tell a cut from beats that nobody could answer yet: the
    voters first take back that the one before it was silent. To stop what runs at an upgrade of a
    busy node is worse than to use some of the time that the others leave it for stopping.
    A boot that was reported as fenced and lives is isolated for good.
    """
    return _since_ms(turn) <= turn.at_ms or was_fenced(turn)


def _since_ms(turn: Turn) -> int:
    if turn.answered_ms is not None:
        return turn.fresh_until_ms
    grace_ms = turn.config.no_quorum_stop_grace_ms // 4
    return turn.standing.started_ms + turn.config.dead_ms + grace_ms


def contact_ends_ms(turn: Turn) -> int | None:
    """Return when isolation begins, if it has not."""
    return None if turn.isolation is not None else _since_ms(turn)


def _begin(turn: Turn) -> Isolation:
    turn.member = replace(turn.member, joined=None, join_mark="", needs_join=True)
    isolation = Isolation(since_ms=turn.at_ms)
    turn.isolation = isolation
    return isolation


def _advance(turn: Turn, isolation: Isolation) -> None:
    if not turn.member.is_executor_up or (turn.view.cib is None and turn.leaving is None):
        return
    transition = isolation.transition
    if transition is not None:
        deadline_ms = transition.deadline_ms
        if deadline_ms is not None and turn.is_due(deadline_ms, events.Timer.ACTION):
            _run(turn, [DeadlinePassed(turn.at_ms)])
        return
    if isolation.request is not None or not isolation.is_stale:
        return
    if turn.is_due(isolation.retry_at_ms):
        request = turn.number()
        turn.isolation = replace(isolation, request=request, is_stale=False)
        turn.emit(AskExecutor(request))


def on_inventory(turn: Turn, event: events.ExecutorState) -> None:
    """Schedule for this node alone, from what really runs here.

    Before any CIB was seen there is nothing to schedule by: whoever leaves asks again and again.
    """
    isolation = turn.isolation
    if isolation is None or isolation.request != event.request:
        return
    if turn.view.cib is None:
        turn.isolation = replace(
            isolation,
            request=None,
            inventory=event.inventory,
            is_stale=True,
            retry_at_ms=turn.at_ms + _RETRY_MS,
        )
        return
    request = turn.number()
    turn.isolation = replace(isolation, request=request, inventory=event.inventory)
    forced = was_fenced(turn) or turn.leaving is not None
    policy = "stop" if forced else "freeze" if keeps_what_runs(turn) else ""
    cib = isolated_cib(turn.view.cib, turn.node, event.inventory, policy)
    turn.emit(Schedule(request=request, cib=cib))


def isolated_cib(cib: Element, node: NodeName, inventory: Inventory, policy: str = "") -> Element:
    """Return the CIB as an isolated node sees it: no quorum, and nobody but itself.

    `policy`: what counts in the place of the configured `no-quorum-policy`; empty: nothing.
    """
    status = cib.child("status") or Element("status")
    own = node_state(cib, node)
    kept = tuple(child for child in (own.children if own is not None else ()) if child.tag != "lrm")
    lrm = lrm_of(node, inventory.history, (one.request for one in inventory.pending))
    here = {"id": node, "uname": node, "in_ccm": "1", "crmd": "1"}
    here |= {"join": "member", "expected": "member"}
    gone = {"in_ccm": "0", "crmd": "0", "join": "down", "expected": "down"}
    states = [Element("node_state", here, (*kept, lrm))]
    for other in status.each():
        if other.tag != "node_state":
            states.append(other)
        elif other.id != node:
            named = {"id": other.id, "uname": other.get("uname")}
            states.append(Element("node_state", named | gone))
    configuration = cib.child("configuration") or Element("configuration")
    if not policy and option(cib, "no-quorum-policy") in _UNSAFE_POLICIES:
        policy = "stop"
    if policy:
        configuration = _with_policy(configuration, policy)
    root = cib.with_attributes({"have-quorum": "0", "dc-uuid": node})
    return root.with_children((configuration, Element("status", {}, tuple(states))))


def _with_policy(configuration: Element, policy: str) -> Element:
    """Return the configuration with this policy alone; to fence oneself comes down to stopping."""
    pair = Element("nvpair", {"id": "isolated-policy", "name": "no-quorum-policy", "value": policy})
    options = Element("cluster_property_set", {"id": "isolated"}, (pair,))

    def changed(element: Element) -> Element:
        if element.tag == "nvpair" and element.get("name") == "no-quorum-policy":
            return element.with_attributes({"value": policy})
        return element.with_children(tuple(changed(child) for child in element.children))

    sections = tuple(
        changed(section) if section.tag == "crm_config" else section
        for section in configuration.children
    )
    if all(section.tag != "crm_config" for section in sections):
        sections = (Element("crm_config"), *sections)
    return configuration.with_children(
        tuple(
            section.with_children((*section.children, options))
            if section.tag == "crm_config"
            else section
            for section in sections
        )
    )


def isolated_graph(graph: Graph, node: NodeName) -> Graph:
    """Return the part of a graph that an isolated node may carry out.

    What is left out counts as done: the others will not stop anything for us to wait for.
    """
    kept = tuple(action for action in graph.actions if _is_safe(action, node))
    ids = {action.id for action in kept}
    return replace(
        graph,
        actions=tuple(
            replace(action, inputs=tuple(one for one in action.inputs if one in ids))
            for action in kept
        ),
    )


def _is_safe(action: GraphAction, node: NodeName) -> bool:
    if action.kind is ActionKind.PSEUDO:
        return True
    return (
        action.kind is ActionKind.RESOURCE
        and action.operation in SAFE
        and action.on_node == node
        and action.router_node in (None, node)
    )


def on_schedule(turn: Turn, event: events.ScheduleReady) -> None:
    """Carry out what the isolated node may do."""
    isolation = turn.isolation
    if isolation is None or isolation.request != event.request:
        return
    graph = isolated_graph(event.graph, turn.node)
    count = isolation.transition_count + 1
    turn.isolation = replace(
        isolation,
        request=None,
        transition=transition_of(graph, count, Limits()),
        transition_count=count,
    )
    _run(turn, [Begun(turn.at_ms)])


def on_failure(turn: Turn, request: int) -> None:
    """The executor or the scheduler did not answer: ask again soon."""
    isolation = turn.isolation
    if isolation is not None and isolation.request == request:
        again_ms = turn.at_ms + _RETRY_MS
        turn.isolation = replace(isolation, request=None, is_stale=True, retry_at_ms=again_ms)


def on_order_refused(turn: Turn, order: LocalOrder, reason: str) -> None:
    """The executor refused an operation of the isolated transition."""
    if order.action is not None:
        _run(turn, [ActionFailed(turn.at_ms, order.action, reason)])


def on_result(turn: Turn, result: Result) -> None:
    """Match a result with the isolated transition; any other means to look again."""
    isolation = turn.isolation
    if isolation is None:
        return
    transition = isolation.transition
    for action in transition.running if transition is not None else ():
        assert transition is not None
        if _key(turn, isolation, transition.actions[action]) == result.request.transition_key:
            outcome = result.outcome
            expected = int(result.request.expected_code)
            if is_failure(outcome.status, int(outcome.code), expected):
                _run(turn, [ActionFailed(turn.at_ms, action, f"exit code {int(outcome.code)}")])
            else:
                _run(turn, [ActionDone(turn.at_ms, action)])
            return
    turn.isolation = replace(isolation, is_stale=True)


def _key(turn: Turn, isolation: Isolation, action: GraphAction) -> str:
    count = isolation.transition_count
    return transition_key(action, count, f"isolated-{isolation.since_ms}-{turn.config.uuid}")


def _run(turn: Turn, happened: Iterable[Event]) -> None:
    todo = deque(happened)
    while todo:
        isolation = turn.isolation
        if isolation is None or isolation.transition is None:
            return
        transition, effects = step(isolation.transition, todo.popleft())
        turn.isolation = replace(isolation, transition=transition)
        for effect in effects:
            if isinstance(effect, StartAction):
                todo.extend(_start(turn, effect.action))
            else:
                _end(turn, effect)


def _start(turn: Turn, action: GraphAction) -> tuple[Event, ...]:
    isolation = turn.isolation
    assert isolation is not None
    assert isolation.inventory is not None
    key = _key(turn, isolation, action)
    operation = operation_of(action, key=key, token=isolation.inventory.token)
    if operation is None:
        return (ActionFailed(turn.at_ms, action.id, "no executor knows this class"),)
    execute(turn, operation, action=action.id)
    return ()


def _end(turn: Turn, ended: TransitionEnded) -> None:
    isolation = turn.isolation
    assert isolation is not None
    failed = bool(ended.reason)
    turn.isolation = replace(
        isolation,
        transition=None,
        is_stale=isolation.is_stale or failed,
        retry_at_ms=turn.at_ms + _RETRY_MS if failed else turn.at_ms,
    )


def on_executor_lost(turn: Turn) -> None:
    """What was asked of the executor has no answer: look again when it is back."""
    isolation = turn.isolation
    if isolation is not None:
        turn.isolation = replace(isolation, request=None, transition=None, is_stale=True)
