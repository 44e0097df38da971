"""The DC takes present nodes in: token raised there, inventory stored, and only then orders.

A node that the DC cannot reach though it is heard moves the lease once; a second DC that cannot
reach it either has it fenced (protocols, "A node that the DC cannot reach").
"""

from __future__ import annotations

from msgspec.structs import replace

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
from crmd.fsa.failures import failure_attributes
from crmd.fsa.forgetting import send_forget
from crmd.fsa.history import lrm_of
from crmd.fsa.lease import give_up_lease, may_ask
from crmd.fsa.membership import MARK, mark_of
from crmd.fsa.options import flag
from crmd.fsa.purpose import Condemning, MarkingUnreached, StoringJoin
from crmd.fsa.reconciling import reconciled
from crmd.fsa.refusals import forget_refusals, note_executor
from crmd.fsa.state import Dc, Joiner, JoinPhase
from crmd.fsa.turn import Turn, with_item
from lrmd.operations.values import Result
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
        if joiner.phase not in (JoinPhase.JOINED, JoinPhase.GIVEN_UP):
            waiting.append(joiner.phase)
        elif not joiner.index or turn.view.index < joiner.index:
            # Before the write is seen, the CIB does not tell what runs there, or that it is doomed.
            waiting.append(JoinPhase.WRITING)
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
        _ask(turn, dc, facts)
        return
    match joiner.phase:
        case JoinPhase.JOINED:
            if turn.view.index >= joiner.index and not _is_shown(turn, dc, facts.node, joiner):
                _ask(turn, dc, facts)
        case JoinPhase.FAILED:
            if not _escalated(turn, dc, facts, joiner) and turn.is_due(joiner.retry_at_ms):
                _ask(turn, dc, facts, joiner)
        case JoinPhase.ASKED | JoinPhase.FORGETTING | JoinPhase.WRITING | JoinPhase.GIVEN_UP:
            pass


def _is_shown(turn: Turn, dc: Dc, node: NodeName, joiner: Joiner) -> bool:
    """Tell whether the CIB has this very join.

    An older join's write that was believed lost may come late and take its place; then the member
    would store no result for ever, as it waits to see what it told.
    """
    state = node_state(turn.view.cib, node)
    mark = mark_of(dc.token, joiner.number)
    return state is not None and state.get("join") == "member" and state.get(MARK) == mark


def _ask(turn: Turn, dc: Dc, facts: NodeFacts, failed: Joiner | None = None) -> None:
    joiner = Joiner(
        boot_id=facts.boot_id,
        session=facts.session,
        phase=JoinPhase.ASKED,
        unreached_since_ms=failed.unreached_since_ms if failed is not None else None,
        refused_since_ms=failed.refused_since_ms if failed is not None else None,
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
    """Store the inventory as the node's history; from then on it is a member.

    Unless it tells failures that were cleared while the node was away: those it forgets first.
    """
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
        refused_since_ms=None,
    )
    note_executor(turn, event.node, event.inventory.incarnation)
    dc = turn.dc
    assert dc is not None
    loads = dc.loads if event.load is None else with_item(dc.loads, event.node, event.load)
    turn.dc = replace(dc, joiners=with_item(dc.joiners, event.node, joiner), loads=loads)
    told = reconciled(node_state(turn.view.cib, event.node), event.inventory)
    if told.cleared:
        _forget_cleared(turn, event.node, joiner, told.cleared)
        return
    mark = mark_of(dc.token, event.number)
    change = join_change(turn.view.cib, event.node, mark, event.inventory, told.uncounted)
    turn.record(change, StoringJoin(event.node, event.session, event.number), dc.token)


def _forget_cleared(
    turn: Turn, node: NodeName, joiner: Joiner, cleared: tuple[Result, ...]
) -> None:
    orders = frozenset(
        send_forget(turn, node, failure.request.resource, failure=failure.failure_id)
        for failure in cleared
    )
    joiner = replace(joiner, phase=JoinPhase.FORGETTING, inventory=None, forgetting=orders)
    assert turn.dc is not None
    turn.dc = replace(turn.dc, joiners=with_item(turn.dc.joiners, node, joiner))


def on_join_order_ended(turn: Turn, event: events.OrderAccepted | events.OrderFailed) -> None:
    """Ask a member anew once it has forgotten what was cleared."""
    dc = turn.dc
    joiner = dc.joiners.get(event.node) if dc is not None else None
    facts = turn.view.facts.of(event.node)
    if dc is None or joiner is None or facts is None or event.order not in joiner.forgetting:
        return
    if joiner.phase is not JoinPhase.FORGETTING:
        return
    joiner = replace(joiner, forgetting=joiner.forgetting - {event.order})
    if joiner.forgetting:
        turn.dc = replace(dc, joiners=with_item(dc.joiners, event.node, joiner))
    else:
        _ask(turn, dc, facts)


def join_change(
    cib: Element | None,
    node: NodeName,
    mark: str,
    inventory: Inventory,
    uncounted: tuple[Result, ...] = (),
) -> CibChange:
    """Return the change that makes a node a member and its inventory its history.

    It counts the failures that nobody has counted.
    It relies on the history being as it was seen, so that one that comes late changes nothing.
    """
    old = node_state(cib, node)
    lrm = lrm_of(node, inventory.history, (one.request for one in inventory.pending))
    lrm = with_known_entries(lrm, old)
    attributes = {"join": "member", "expected": "member", MARK: mark}
    if old is not None and old.get(UNREACHED):
        attributes[UNREACHED] = ""
    new = state_with(node, attributes, lrm)
    path = lrm_path(node)
    there = old.child("lrm") if old is not None else None
    start_is_fatal = flag(cib, "start-failure-is-fatal")
    counts = tuple(
        merge_status(state_with(node, {}, attributes_with(node, values)), score=True)
        for failure in uncounted
        for values in (failure_attributes(failure, start_is_fatal=start_is_fatal),)
    )
    return CibChange(
        operations=(remove_at(path), merge_status(new), *counts),
        preconditions=(Precondition(path=path, digest=there.digest if there else b""),),
        status=True,
    )


def with_known_entries(lrm: Element, old: Element | None) -> Element:
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
        forget_refusals(turn)  # it is not as it was: once it joins, it may take what it refused
        rejoin(turn, event.node, reached=event.reached)


def rejoin(turn: Turn, node: NodeName, *, reached: bool) -> None:
    """Take a new inventory of a node before anything else is decided about it."""
    dc = turn.dc
    joiner = dc.joiners.get(node) if dc is not None else None
    if dc is None or joiner is None or joiner.phase is JoinPhase.GIVEN_UP:
        return
    unreached, refused = joiner.unreached_since_ms, joiner.refused_since_ms
    joiner = replace(
        joiner,
        phase=JoinPhase.FAILED,
        retry_at_ms=turn.at_ms + turn.config.retry_ms,
        unreached_since_ms=None if reached else _since(turn, unreached),
        refused_since_ms=_since(turn, refused) if reached else None,
    )
    turn.dc = replace(dc, joiners=with_item(dc.joiners, node, joiner))


def _since(turn: Turn, known_ms: int | None) -> int:
    return turn.at_ms if known_ms is None else known_ms


def _escalated(turn: Turn, dc: Dc, facts: NodeFacts, joiner: Joiner) -> bool:
    """Do more than ask again where that has failed for too long; tell whether it was done.

    A node that answers and cannot join (its executor is gone) gets the time in which that should
    be back; when it is the DC's own, another node has to be DC.
    """
    pause_ms = 2 * turn.config.dead_ms
    if joiner.unreached_since_ms is not None:
        if turn.at_ms - joiner.unreached_since_ms < pause_ms:
            return False
        return _move_lease_or_condemn(turn, dc, facts)
    if joiner.refused_since_ms is None:
        return False
    refused_ms = turn.at_ms - joiner.refused_since_ms
    if facts.node == turn.node:
        if refused_ms >= pause_ms:
            on_unreached_marked(turn)
            return True
        return False
    return refused_ms >= turn.config.controller_fence_delay_ms and _condemn(turn, dc, facts)


def _move_lease_or_condemn(turn: Turn, dc: Dc, facts: NodeFacts) -> bool:
    if turn.is_recording(MarkingUnreached):
        return True  # this DC's own mark; the lease moves when it is known to be committed
    state = node_state(turn.view.cib, facts.node)
    mark = f"{facts.boot_id}:{facts.session}"
    if state is not None and state.get(UNREACHED) == mark:
        return _condemn(turn, dc, facts)
    if may_ask(turn):
        noted = state_with(facts.node, {UNREACHED: mark})
        turn.write((merge_status(noted),), MarkingUnreached(facts.node), dc.token)
    return True


def _condemn(turn: Turn, dc: Dc, facts: NodeFacts) -> bool:
    """Have the node fenced. Without fencing it cannot be given up: what it runs is not known."""
    if not flag(turn.view.cib, "fencing-enabled"):
        return False
    joiner = replace(dc.joiners[facts.node], phase=JoinPhase.GIVEN_UP, index=0)
    turn.dc = replace(dc, joiners=with_item(dc.joiners, facts.node, joiner))
    doomed = state_with(facts.node, {}, attributes_with(facts.node, {"terminate": "true"}))
    turn.write((merge_status(doomed),), Condemning(facts.node), dc.token)
    return True


def on_unreached_marked(turn: Turn) -> None:
    """Let another node try: it may reach what this one cannot."""
    give_up_lease(turn)
    pause_ms = 4 * turn.config.dead_ms
    turn.standing = replace(turn.standing, no_election_before_ms=turn.at_ms + pause_ms)


def on_condemned(turn: Turn, node: NodeName, code: ExitCode | None, index: int) -> None:
    """The wish to have a node fenced is committed at `index`, or is to be repeated."""
    dc = turn.dc
    joiner = dc.joiners.get(node) if dc is not None else None
    if dc is None or joiner is None or joiner.phase is not JoinPhase.GIVEN_UP:
        return
    if code is ExitCode.OK:
        joiner = replace(joiner, index=index)
    else:
        retry_at_ms = turn.at_ms + turn.config.retry_ms
        joiner = replace(joiner, phase=JoinPhase.FAILED, retry_at_ms=retry_at_ms)
    turn.dc = replace(dc, joiners=with_item(dc.joiners, node, joiner))
