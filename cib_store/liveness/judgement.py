"""What a leader proposes from the reports: losses by a majority, returns by all reporters.

Before its start is committed it judges what earlier leaders left in its log (`renewals`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from cib_store.liveness.values import Effect, Loss, Propose, Silence, StepDown, Voter
from raftmaker.vocabulary.commands import ControllerLost, NodeLost, RenewSession
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import (
    ControllerPresence,
    FencePhase,
    NodeFacts,
    Presence,
)

AGAIN_MS = 500
"""A proposal that had no effect after this time is made again."""

_Fact = NodeLost | ControllerLost | RenewSession


def proposals(state: Voter, at_ms: int) -> tuple[Voter, tuple[Effect, ...]]:
    """Return what the leader proposes now, or that it steps down instead.

    It counts its own reports and those of voters that it hears: an old report may be forgotten.
    """
    deaf_to = tuple(
        voter
        for voter in state.voters
        if voter != state.me and at_ms - _last_heard_ms(state, voter) >= state.dead_ms
    )
    if len(state.voters) - len(deaf_to) < state.majority:
        # Heard with a new boot counts: such a voter is there, though its old session is lost.
        return state, (StepDown(deaf_to),)
    wanted: list[_Fact] = []
    for node in state.facts.nodes:
        fact = _fact_about(state, node, at_ms)
        if fact is not None:
            wanted.append(fact)
    return _paced(state, wanted, at_ms)


def renewals(state: Voter, at_ms: int) -> tuple[Voter, tuple[Effect, ...]]:
    """Return the renewals that make void what is in doubt: losses that do not stand (`Elected`).

    A loss that an earlier leader could not commit takes effect with the first entry of this one,
    by when the node may long be heard again. A renewal that is in the log by then follows it at
    once, ahead of whatever somebody who saw the loss would do about it: an intent to fence names
    the session, and is refused. A loss that a majority still reports stands, and costs no time;
    whatever else is not judged lost is given the dead time anew.
    """
    doubted = tuple(loss for loss in state.doubted if _is_open(state, loss))
    if not doubted:
        return (replace(state, doubted=()) if state.doubted else state), ()
    void = tuple(
        RenewSession(node=loss.node, boot_id=loss.boot_id, session=loss.session)
        for loss in doubted
        if not _stands(state, loss, at_ms)
    )
    return _paced(replace(state, doubted=doubted), dict.fromkeys(void), at_ms)


def _is_open(state: Voter, loss: Loss) -> bool:
    node = state.facts.of(loss.node)
    if node is None or (node.boot_id, node.session) != (loss.boot_id, loss.session):
        return False
    # Once it has taken effect, it is for the leader that has begun to withdraw it.
    is_known = isinstance(loss, ControllerLost) and node.controller is ControllerPresence.LOST
    return node.presence is Presence.MEMBER and not is_known


def _stands(state: Voter, loss: Loss, at_ms: int) -> bool:
    node = state.facts.of(loss.node)
    assert node is not None
    fact = _fact_about(state, node, at_ms)
    return isinstance(fact, NodeLost if isinstance(loss, NodeLost) else Loss)


def _paced(state: Voter, wanted: Iterable[_Fact], at_ms: int) -> tuple[Voter, tuple[Effect, ...]]:
    proposed = {fact: then for fact, then in state.proposed_ms.items() if at_ms - then < AGAIN_MS}
    effects: list[Effect] = []
    for fact in wanted:
        if fact not in proposed:
            proposed[fact] = at_ms
            effects.append(Propose(fact))
    return replace(state, proposed_ms=proposed), tuple(effects)


def _fact_about(state: Voter, node: NodeFacts, at_ms: int) -> _Fact | None:
    if node.presence is Presence.LEFT:
        return None
    reports, old, voters = _reports(state, node, at_ms)
    if not (reports or old) or voters < state.majority:
        return None
    name, boot, session = node.node, node.boot_id, node.session
    if all(report.heard_again for report in (*reports, *old)):
        over = node.fencing in (FencePhase.INTENDED, FencePhase.CONFIRMED)
        return None if over else RenewSession(node=name, boot_id=boot, session=session)
    if node.presence is Presence.LOST:
        return None
    if sum(report.node_silent for report in reports) >= state.majority:
        return NodeLost(node=name, boot_id=boot, session=session, term=state.term)
    present = node.controller is ControllerPresence.PRESENT
    if present and len(reports) >= state.majority:
        return ControllerLost(node=name, boot_id=boot, session=session, term=state.term)
    return None


def _reports(state: Voter, node: NodeFacts, at_ms: int) -> tuple[list[Silence], list[Silence], int]:
    """Return the reports about the node's session, and how many voters are heard, this one too.

    Those of before a stall are apart: they may be forgotten by now, which no loss may rest upon,
    or stand, which no return may overlook.
    """
    mine = state.reports.get(node.node)
    found = [mine] if mine is not None else []
    old: list[Silence] = []
    voters = 1
    for voter in state.voters:
        news = state.peers.get(voter)
        if voter == state.me or news is None or not _is_heard(state, voter, at_ms):
            continue
        voters += 1
        (old if news.is_old else found).extend(
            report for report in news.silences if report.concerns(node)
        )
    return found, old, voters


def _is_heard(state: Voter, voter: NodeName, at_ms: int) -> bool:
    news = state.peers.get(voter)
    return news is not None and at_ms - news.at_ms < state.dead_ms


def _last_heard_ms(state: Voter, voter: NodeName) -> int:
    news = state.peers.get(voter)
    return state.started_ms if news is None else news.at_ms
