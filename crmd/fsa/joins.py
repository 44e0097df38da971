"""The DC takes present nodes in: token raised there, inventory stored, and only then orders.

A node that the DC cannot reach though it is heard moves the lease once; a second DC that cannot
reach it either has it fenced (protocols, "A node that the DC cannot reach").
"""

from __future__ import annotations

from dataclasses import replace

from cib_store.document.element import Element
from crmd.fsa import events
from crmd.fsa.cib import (
    attributes_with,
    lrm_path,
    lrm_resources,
    merge_status,
    node_state,
    remove_at,
    state_with,
)
from crmd.fsa.effects import SendJoin
from crmd.fsa.executor import Inventory
from crmd.fsa.history import lrm_of
from crmd.fsa.lease import give_up_lease, may_ask
from crmd.fsa.membership import MARK, mark_of
from crmd.fsa.purpose import Condemning, MarkingUnreached, StoringJoin
from crmd.fsa.state import Dc, Joiner, JoinPhase
from crmd.fsa.turn import Turn, with_item
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, Precondition
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import NodeFacts

UNREACHED = "unreached"
"""Attribute of `node_state`: the boot and session that a DC could not reach."""


def joiner_of(turn: Turn, node: str | None) -> Joiner | None:
    """Return a member that takes this DC's orders."""
    if turn.dc is None or node is None:
        return None
    joiner = turn.dc.joiners.get(NodeName(node))
    return joiner if joiner is not None and joiner.phase is JoinPhase.JOINED else None


def outstanding(turn: Turn) -> tuple[JoinPhase, ...]:
    """Return the phases of the joins that have to end before the DC may schedule."""
    assert turn.dc is not None
    waiting: list[JoinPhase] = []
    for joiner in turn.dc.joiners.values():
        if joiner.phase is JoinPhase.JOINED:
            if turn.view.index < joiner.index:
                waiting.append(JoinPhase.WRITING)
        elif joiner.phase is not JoinPhase.GIVEN_UP:
            waiting.append(joiner.phase)
    return tuple(waiting)


def advance_joins(turn: Turn) -> None:
    """Ask present nodes that are not joined, or that are joined no longer."""
    assert turn.dc is not None
    present = {facts.node: facts for facts in turn.view.facts.nodes if facts.is_present}
    kept = {node: joiner for node, joiner in turn.dc.joiners.items() if node in present}
    if len(kept) != len(turn.dc.joiners):
        turn.dc = replace(turn.dc, joiners=kept)
    for node in sorted(present):
        if turn.dc is not None:
            _advance(turn, turn.dc, present[node])


def _advance(turn: Turn, dc: Dc, facts: NodeFacts) -> None:
    joiner = dc.joiners.get(facts.node)
    if joiner is None or (joiner.boot_id, joiner.session) != (facts.boot_id, facts.session):
        _ask(turn, dc, facts, None)
        return
    match joiner.phase:
        case JoinPhase.JOINED:
            state = node_state(turn.view.cib, facts.node)
            if turn.view.index >= joiner.index and (state is None or state.get("join") != "member"):
                _ask(turn, dc, facts, None)
        case JoinPhase.FAILED:
            since = joiner.unreached_since_ms
            if since is not None and turn.at_ms - since >= 2 * turn.config.dead_ms:
                _escalate(turn, dc, facts)
            elif turn.is_due(joiner.retry_at_ms):
                _ask(turn, dc, facts, since)
        case JoinPhase.ASKED | JoinPhase.WRITING | JoinPhase.GIVEN_UP:
            pass


def _ask(turn: Turn, dc: Dc, facts: NodeFacts, unreached_since_ms: int | None) -> None:
    joiner = Joiner(
        boot_id=facts.boot_id,
        session=facts.session,
        phase=JoinPhase.ASKED,
        unreached_since_ms=unreached_since_ms,
    )
    turn.dc = replace(dc, joiners=with_item(dc.joiners, facts.node, joiner))
    turn.emit(
        SendJoin(
            node=facts.node,
            token=dc.token,
            boot_id=facts.boot_id,
            session=facts.session,
            until_ms=turn.fresh_until_ms,
        )
    )


def on_join_answered(turn: Turn, event: events.JoinAnswered) -> None:
    """Store the inventory as the node's history; from then on it is a member."""
    dc = turn.dc
    if dc is None or dc.token != event.token:
        return
    joiner = dc.joiners.get(event.node)
    if joiner is None or joiner.phase is not JoinPhase.ASKED or joiner.session != event.session:
        return
    joiner = replace(
        joiner,
        phase=JoinPhase.WRITING,
        inventory=event.inventory,
        number=event.number,
        unreached_since_ms=None,
    )
    turn.dc = replace(dc, joiners=with_item(dc.joiners, event.node, joiner))
    mark = mark_of(dc.token, event.number)
    change = join_change(turn.view.cib, event.node, mark, event.inventory)
    turn.record(change, StoringJoin(event.node, event.session, event.number), dc.token)


def join_change(cib: Element | None, node: NodeName, mark: str, inventory: Inventory) -> CibChange:
    """Return the change that makes a node a member and its inventory its history.

    It relies on the history being as it was seen, so that one that comes late changes nothing.
    """
    old = node_state(cib, node)
    lrm = lrm_of(node, inventory.history, (one.request for one in inventory.pending))
    lrm = _with_known_entries(lrm, old)
    attributes = {"join": "member", "expected": "member", MARK: mark}
    if old is not None and old.get(UNREACHED):
        attributes[UNREACHED] = ""
    new = state_with(node, attributes, lrm)
    path = lrm_path(node)
    there = old.child("lrm") if old is not None else None
    return CibChange(
        operations=(remove_at(path), merge_status(new)),
        preconditions=(Precondition(path=path, digest=there.digest if there else b""),),
        status=True,
    )


def _with_known_entries(lrm: Element, old: Element | None) -> Element:
    """Keep entries that the CIB has of the very same results: they know the agent's metadata."""
    known = {
        (resource.id, op.id): op for resource in lrm_resources(old) for op in resource.children
    }

    def entry(resource: Element, op: Element) -> Element:
        there = known.get((resource.id, op.id))
        same = there is not None and all(
            there.get(name) == op.get(name)
            for name in ("transition-magic", "call-id", "last-rc-change", "op-digest")
        )
        return there if same and there is not None else op

    resources = tuple(
        resource.with_children(tuple(entry(resource, op) for op in resource.children))
        for holder in lrm.children
        for resource in holder.children
    )
    return lrm.with_children((Element("lrm_resources", {}, resources),))


def on_join_stored(turn: Turn, purpose: StoringJoin, code: ExitCode | None, index: int) -> None:
    """The write after a join is committed at `index`, or was refused, or (None) perhaps lost."""
    dc = turn.dc
    joiner = dc.joiners.get(purpose.node) if dc is not None else None
    if dc is None or joiner is None or joiner.phase is not JoinPhase.WRITING:
        return
    if (joiner.session, joiner.number) != (purpose.session, purpose.number):
        return
    if code is not ExitCode.OK:
        # A conflict means that results came in between: the next inventory contains them.
        pause_ms = turn.config.retry_ms if code is None else turn.config.batch_ms
        joiner = replace(joiner, phase=JoinPhase.FAILED, retry_at_ms=turn.at_ms + pause_ms)
    else:
        joiner = replace(joiner, phase=JoinPhase.JOINED, inventory=None, index=index)
    turn.dc = replace(dc, joiners=with_item(dc.joiners, purpose.node, joiner))


def on_join_failed(turn: Turn, event: events.JoinFailed) -> None:
    """Try again soon; a node that cannot be reached for two dead times needs more."""
    dc = turn.dc
    joiner = dc.joiners.get(event.node) if dc is not None else None
    if dc is None or joiner is None or dc.token != event.token:
        return
    if joiner.phase is JoinPhase.ASKED and joiner.session == event.session:
        rejoin(turn, event.node, reached=event.reached)


def rejoin(turn: Turn, node: NodeName, *, reached: bool) -> None:
    """Take a new inventory of a node before anything else is decided about it."""
    dc = turn.dc
    joiner = dc.joiners.get(node) if dc is not None else None
    if dc is None or joiner is None or joiner.phase is JoinPhase.GIVEN_UP:
        return
    since = joiner.unreached_since_ms
    joiner = replace(
        joiner,
        phase=JoinPhase.FAILED,
        retry_at_ms=turn.at_ms + turn.config.retry_ms,
        unreached_since_ms=None if reached else (turn.at_ms if since is None else since),
    )
    turn.dc = replace(dc, joiners=with_item(dc.joiners, node, joiner))


def _escalate(turn: Turn, dc: Dc, facts: NodeFacts) -> None:
    state = node_state(turn.view.cib, facts.node)
    mark = f"{facts.boot_id}:{facts.session}"
    if state is None or state.get(UNREACHED) != mark:
        if not turn.is_recording(MarkingUnreached) and may_ask(turn):
            noted = state_with(facts.node, {UNREACHED: mark})
            turn.write((merge_status(noted),), MarkingUnreached(facts.node), dc.token)
        return
    joiner = replace(dc.joiners[facts.node], phase=JoinPhase.GIVEN_UP)
    turn.dc = replace(dc, joiners=with_item(dc.joiners, facts.node, joiner))
    doomed = state_with(facts.node, {}, attributes_with(facts.node, {"terminate": "true"}))
    turn.write((merge_status(doomed),), Condemning(facts.node), dc.token)


def on_unreached_marked(turn: Turn) -> None:
    """Let another node try: it may reach what this one cannot."""
    give_up_lease(turn)
    pause_ms = 4 * turn.config.dead_ms
    turn.standing = replace(turn.standing, no_election_before_ms=turn.at_ms + pause_ms)


def on_not_condemned(turn: Turn, node: NodeName) -> None:
    """The wish to have a node fenced is not committed: come back to it."""
    dc = turn.dc
    joiner = dc.joiners.get(node) if dc is not None else None
    if dc is not None and joiner is not None and joiner.phase is JoinPhase.GIVEN_UP:
        again = replace(
            joiner, phase=JoinPhase.FAILED, retry_at_ms=turn.at_ms + turn.config.retry_ms
        )
        turn.dc = replace(dc, joiners=with_item(dc.joiners, node, again))
