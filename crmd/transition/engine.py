"""`step`: begins what is ready, counts what is done, aborts, and says when the graph is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from msgspec.structs import replace

from cib_store.model.values import parse_duration_ms
from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from crmd.transition.values import (
    Abort,
    Aborted,
    ActionDone,
    ActionFailed,
    Begun,
    DeadlinePassed,
    Effect,
    Ending,
    Event,
    Limits,
    LimitsChanged,
    NodeGone,
    Progress,
    StartAction,
    TransitionEnded,
    TransitionState,
)

INFINITY = 1_000_000
_MIGRATIONS = ("migrate_to", "migrate_from")


def transition_of(graph: Graph, number: int, limits: Limits) -> TransitionState:
    """Prepare a graph; nothing of it runs before `Begun`."""
    dependents: dict[int, list[int]] = {}
    for action in graph.actions:
        for before in action.inputs:
            dependents.setdefault(before, []).append(action.id)
    missing = {action.id: len(action.inputs) for action in graph.actions}
    actions = graph.by_id
    return TransitionState(
        number=number,
        graph=graph,
        actions=actions,
        limits=limits,
        cluster_delay_ms=parse_duration_ms(graph.cluster_delay) or 60_000,
        progress=dict.fromkeys(missing, Progress.WAITING),
        missing=missing,
        dependents={before: tuple(after) for before, after in dependents.items()},
        ready=_by_priority(tuple(one for one, count in missing.items() if not count), actions),
    )


def step(state: TransitionState, event: Event) -> tuple[TransitionState, tuple[Effect, ...]]:
    """Carry the graph on. Events about a graph that is over change nothing."""
    if state.ending is not None:
        return state, ()
    match event:
        case Begun():
            pass
        case ActionDone(action=action):
            state = _ended(state, action, Progress.DONE)
        case ActionFailed(action=action, reason=reason):
            state = _failed(state, action, reason)
        case NodeGone(node=node):
            for action in sorted(state.running):
                if _needs(state.actions[action], node):
                    state = _failed(state, action, f"{node} is gone")
        case Aborted(priority=priority, reason=reason):
            state = _aborted(state, priority, reason)
        case DeadlinePassed(at_ms=at_ms):
            for action, deadline_ms in sorted(state.running.items()):
                if deadline_ms is not None and deadline_ms <= at_ms:
                    state = _failed(state, action, "no result in time")
        case LimitsChanged(limits=limits):
            state = replace(state, limits=limits)
        case _:
            assert_never(event)
    return _advance(state, event.at_ms)


def _place(action: GraphAction) -> str | None:
    """The node that carries the action out; fencing is carried out by the DC, for its target.

    Unfencing is over with its target, too.
    """
    if action.kind is not ActionKind.RESOURCE and not action.is_unfencing:
        return None
    return action.router_node or action.on_node


def _needs(action: GraphAction, node: str) -> bool:
    """Tell whether the action ends only while the node is there: for one on a remote node two."""
    return _place(action) is not None and node in (action.router_node, action.on_node)


def _by_priority(ready: tuple[int, ...], actions: Mapping[int, GraphAction]) -> tuple[int, ...]:
    return tuple(sorted(ready, key=lambda action: (-actions[action].priority, action)))


def _aborted(state: TransitionState, priority: int, reason: str) -> TransitionState:
    if state.abort is not None and state.abort.priority >= priority:
        return state
    return replace(state, abort=Abort(priority, reason))


def _failed(state: TransitionState, action: int, reason: str) -> TransitionState:
    if state.progress.get(action) is not Progress.RUNNING:
        return state
    if state.actions[action].can_fail:
        return _ended(state, action, Progress.DONE)
    state = _ended(state, action, Progress.FAILED)
    named = state.actions[action]
    where = f" on {named.on_node}" if named.on_node else ""
    return _aborted(state, INFINITY, f"{named.operation_key}{where} failed: {reason}")


def _ended(state: TransitionState, action: int, progress: Progress) -> TransitionState:
    """Mark a running action as over; what waits for it comes one step nearer when it is done."""
    if state.progress.get(action) is not Progress.RUNNING:
        return state
    missing = state.missing
    ready = state.ready
    if progress is Progress.DONE:
        counts = dict(missing)
        for after in state.dependents.get(action, ()):
            counts[after] -= 1
            if not counts[after]:
                ready = (*ready, after)
        missing = counts
    return replace(
        state,
        progress={**state.progress, action: progress},
        running={one: at for one, at in state.running.items() if one != action},
        missing=missing,
        ready=_by_priority(ready, state.actions) if ready is not state.ready else ready,
    )


def _advance(state: TransitionState, at_ms: int) -> tuple[TransitionState, tuple[Effect, ...]]:
    effects: list[Effect] = []
    while True:
        action = _next(state)
        if action is None:
            break
        state = _begun(state, action, at_ms)
        named = state.actions[action]
        if named.kind is ActionKind.PSEUDO:
            state = _ended(state, action, Progress.DONE)
            continue
        effects.append(StartAction(named))
        if named.no_wait:
            state = _ended(state, action, Progress.DONE)
    if not state.running:
        ended = _ending(state)
        state = replace(state, ending=ended.ending)
        effects.append(ended)
    return state, tuple(effects)


def _next(state: TransitionState) -> int | None:
    """The ready action to begin now, the one of the highest priority first."""
    for action in state.ready:
        named = state.actions[action]
        if state.abort is not None and named.priority < state.abort.priority:
            continue
        if named.kind is ActionKind.PSEUDO or _within_limits(state, named):
            return action
    return None


def _within_limits(state: TransitionState, action: GraphAction) -> bool:
    limits = state.limits
    if limits.batch is not None and len(state.running) >= limits.batch:
        return False
    node = _place(action)
    if node is None:
        return True
    there = [one for one in state.running if _place(state.actions[one]) == node]
    jobs = limits.jobs_of_node.get(node, limits.jobs_per_node)
    if jobs is not None and len(there) >= jobs:
        return False
    if limits.migrations_per_node is None or action.operation not in _MIGRATIONS:
        return True
    migrations = sum(state.actions[one].operation in _MIGRATIONS for one in there)
    return migrations < limits.migrations_per_node


def _begun(state: TransitionState, action: int, at_ms: int) -> TransitionState:
    return replace(
        state,
        progress={**state.progress, action: Progress.RUNNING},
        running={**state.running, action: _deadline_ms(state, state.actions[action], at_ms)},
        ready=tuple(one for one in state.ready if one != action),
    )


def _deadline_ms(state: TransitionState, action: GraphAction, at_ms: int) -> int | None:
    """When to give an operation up: its timeout and the cluster's delay (features 16.31)."""
    if action.kind is not ActionKind.RESOURCE:
        return None
    delay_ms = int(action.attributes.get("CRM_meta_start_delay", "0"))
    return at_ms + delay_ms + (action.timeout_ms or 0) + state.cluster_delay_ms


def _ending(state: TransitionState) -> TransitionEnded:
    if state.abort is not None:
        return TransitionEnded(Ending.ABORTED, state.abort.reason)
    left = [one for one, progress in state.progress.items() if progress is Progress.WAITING]
    if left:
        named = ", ".join(state.actions[one].operation_key for one in left[:5])
        return TransitionEnded(Ending.TERMINATED, f"{len(left)} actions can never begin: {named}")
    return TransitionEnded(Ending.COMPLETE, "")
