"""Unfencing by the DC: devices turn a node on before its resources start (features 17.40).

Nothing is at risk while it runs, so it needs no intent: the scheduler orders it again until the
node's attributes say that it was done, and with which parameters of the devices (features 15.19).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from crmd.fsa import events
from crmd.fsa.cib import attributes_with, merge_status, state_with
from crmd.fsa.effects import FencingAnswered, RunFencing
from crmd.fsa.joins import joiner_of
from crmd.fsa.options import duration_ms, integer
from crmd.fsa.purpose import ForAction
from crmd.fsa.state import Unfencing
from crmd.fsa.turn import Turn, with_item, without
from crmd.scheduler.graph import GraphAction
from crmd.transition.values import ActionFailed
from raftmaker.vocabulary.ids import BootId, NodeName, Session

UNFENCED = "#node-unfenced"
"""Attribute of a node: when it was unfenced last, in seconds since 1970 (features 15.19)."""
CLIENT = "raftmaker-crmd"
"""Who asks for what the cluster does by itself, for the history of fencings."""
_DIGESTS = {"#digests-all": "CRM_meta_digests_all", "#digests-secure": "CRM_meta_digests_secure"}
ATTRIBUTES = frozenset((UNFENCED, *_DIGESTS))


def unfence_for_action(turn: Turn, action: GraphAction) -> ActionFailed | None:
    """Begin the unfencing that a graph orders."""
    dc = turn.dc
    assert dc is not None
    node = NodeName(action.on_node or "")
    digests = {
        name: action.attributes[held]
        for name, held in _DIGESTS.items()
        if action.attributes.get(held)
    }
    purpose = ForAction(dc.transition_count, action.id)
    if joiner_of(turn, node) is None:
        return ActionFailed(turn.at_ms, action.id, f"{node or 'nobody'} is no member to unfence")
    _begin(turn, node, action=purpose, digests=digests)
    return None


def unfence_for_call(turn: Turn, event: events.FenceNodeRequested) -> None:
    """Begin what a person asks for, who may mean a node that is off.

    It is not noted in the node's attributes: the cluster unfences a node itself when it joins.
    """
    _begin(turn, event.target, asked=event)


def _begin(
    turn: Turn,
    node: NodeName,
    *,
    action: ForAction | None = None,
    digests: Mapping[str, str] | None = None,
    asked: events.FenceNodeRequested | None = None,
) -> None:
    """Have a member's own fencer do it: some devices can be run there alone (features 17.19)."""
    dc = turn.dc
    assert dc is not None
    facts = turn.view.facts.of(node)
    session = facts.session if facts is not None else Session(0)
    request = turn.number()
    unfencing = Unfencing(
        target=node,
        session=session,
        action=action,
        call=asked.call if asked is not None else None,
        digests=digests or {},
    )
    turn.dc = replace(dc, unfencings=with_item(dc.unfencings, request, unfencing))
    turn.emit(
        RunFencing(
            request=request,
            at=node if joiner_of(turn, node) is not None else turn.node,
            token=dc.token,
            target=node,
            boot_id=facts.boot_id if facts is not None else BootId(""),
            session=session,
            action="on",
            timeout_ms=(asked.timeout_ms if asked is not None else 0)
            or duration_ms(turn.view.cib, "fencing-timeout"),
            delay_ms=asked.delay_ms if asked is not None else 0,
            client=asked.client if asked is not None else CLIENT,
            origin=asked.origin if asked is not None else turn.node,
            known_index=turn.view.index,
            until_ms=turn.fresh_until_ms,
        )
    )


def on_unfencing_ended(
    turn: Turn, event: events.FencingEnded
) -> tuple[ForAction, ActionFailed, NodeName] | None:
    """Note it at the node, which ends the graph's action; return how that has failed, if it has.

    With it the node that is not unfenced.
    """
    dc = turn.dc
    unfencing = dc.unfencings.get(event.request) if dc is not None else None
    if dc is None or unfencing is None:
        return None
    turn.dc = replace(
        dc,
        unfencings=without(dc.unfencings, event.request),
        unfencing_failures=_counted(dc.unfencing_failures, unfencing.target, event.confirmed),
    )
    if unfencing.call is not None:
        turn.emit(
            FencingAnswered(
                call=unfencing.call,
                confirmed=event.confirmed,
                devices=event.devices,
                reason=event.reason,
            )
        )
    purpose = unfencing.action
    if purpose is None:
        return None
    reason = event.reason or "no device confirmed it"
    if event.confirmed:
        facts = turn.view.facts.of(unfencing.target)
        if facts is not None and facts.is_present and facts.session == unfencing.session:
            values = {UNFENCED: str(event.now_s), **unfencing.digests}
            noted = state_with(unfencing.target, {}, attributes_with(unfencing.target, values))
            # A late write must not make a node that has started anew look unfenced.
            turn.write((merge_status(noted),), purpose, dc.token, about=facts)
            return None
        reason = f"{unfencing.target} has left meanwhile"
    return purpose, ActionFailed(turn.at_ms, purpose.action, reason), unfencing.target


def _counted(
    failures: Mapping[NodeName, int], node: NodeName, has_succeeded: bool
) -> Mapping[NodeName, int]:
    if has_succeeded:
        return without(failures, node)
    return with_item(failures, node, failures.get(node, 0) + 1)


def failed_too_often(turn: Turn, node: NodeName) -> bool:
    """Tell whether unfencing a node is not to be tried again at once (features 2.24)."""
    dc = turn.dc
    limit = integer(turn.view.cib, "fencing-max-attempts")
    return dc is not None and 0 < limit <= dc.unfencing_failures.get(node, 0)
