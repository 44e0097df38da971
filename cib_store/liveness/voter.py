"""The voter's `step`: a session is answered by a majority or reported by one, never both.

A voter that reported a session's silence answers none of its beats until a committed fact gives the
node another session. Any two majorities share a voter, so a node whose beats a majority answers is
not lost, whoever leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from msgspec.structs import replace

from cib_store.liveness.deadtime import dead_time_ms, late_ms, measured
from cib_store.liveness.judgement import proposals, renewals
from cib_store.liveness.values import (
    Acknowledge,
    BeatHeard,
    Daemon,
    Effect,
    Elected,
    Event,
    FactsCommitted,
    Heard,
    LeadershipChanged,
    PeerReports,
    Silence,
    Ticked,
    Voter,
    VotersChanged,
)
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import (
    ControllerPresence,
    Facts,
    FencePhase,
    NodeFacts,
    Presence,
)

_UNHEARD = Heard()


def step(state: Voter, event: Event) -> tuple[Voter, tuple[Effect, ...]]:
    """Return the voter's next state and what is to be done, in order."""
    match event:
        case BeatHeard():
            return _beat(state, event)
        case FactsCommitted():
            return _facts(state, event.facts, event.at_ms), ()
        case LeadershipChanged():
            led = replace(state, leads=event.leads, term=event.term, proposed_ms={}, doubted=())
            return led, ()
        case Elected():
            return renewals(replace(state, doubted=event.doubted), event.at_ms)
        case VotersChanged():
            return _with_voters(state, event), ()
        case Ticked():
            return _tick(state, event.at_ms)
        case _:
            assert_never(event)


def silences(state: Voter) -> tuple[Silence, ...]:
    """Return the reports that every beat of this voter's store carries, sorted by node."""
    return tuple(state.reports[node] for node in sorted(state.reports)) if state.reports else ()


def _beat(state: Voter, beat: BeatHeard) -> tuple[Voter, tuple[Effect, ...]]:
    if beat.daemon is Daemon.STORE and beat.node in state.voters:
        state = _informed(state, beat)
    facts = state.facts.of(beat.node)
    if facts is not None and facts.boot_id == beat.boot_id:
        state = _hearing(state, beat)
    effects: tuple[Effect, ...] = (Acknowledge(),) if _answers(state, beat, facts) else ()
    return state, effects


def _informed(state: Voter, beat: BeatHeard) -> Voter:
    """Take a voter's reports, but not from a beat that newer ones of it have overtaken.

    After a stall of this process the beats of an earlier process of the voter, which knew more
    reports, may come in after those of the present one, or without one that could not reach it.
    """
    old = state.peers.get(beat.node)
    if old is not None and old.boot_id == beat.boot_id:
        if beat.sent_us < old.sent_us:
            return state
    elif state.passed.get(beat.node) == beat.boot_id:
        return state
    elif old is not None:
        state = replace(state, passed={**state.passed, beat.node: old.boot_id})
    facts = state.facts.of(beat.node)
    same = facts is not None and facts.boot_id == beat.boot_id
    transit = state.transits.get(beat.node) if same else None
    news = PeerReports(
        at_ms=beat.at_ms,
        boot_id=beat.boot_id,
        sent_us=beat.sent_us,
        silences=beat.silences,
        is_old=late_ms(transit, beat.at_ms, beat.sent_us) >= state.dead_ms,
    )
    return replace(state, peers={**state.peers, beat.node: news})


def _hearing(state: Voter, beat: BeatHeard) -> Voter:
    heard = state.heard.get(beat.node, _UNHEARD)
    if beat.daemon is Daemon.STORE:
        heard = Heard(store_ms=beat.at_ms, controller_ms=heard.controller_ms)
    else:
        heard = Heard(store_ms=heard.store_ms, controller_ms=beat.at_ms)
    transits = state.transits
    if beat.sent_us:
        transit = measured(transits.get(beat.node), beat.at_ms, beat.sent_us)
        transits = {**transits, beat.node: transit}
    return replace(state, heard={**state.heard, beat.node: heard}, transits=transits)


def _answers(state: Voter, beat: BeatHeard, facts: NodeFacts | None) -> bool:
    # What this voter reported before it was started anew is forgotten, while a leader may still
    # count it; so it answers nobody until such a report is out of date.
    if beat.at_ms - state.started_ms < state.dead_ms:
        return False
    # It would count the answers of those who vote no more as contact to a majority.
    if beat.is_behind:
        return False
    if state.ended.get(beat.node) == beat.boot_id:
        return False
    if facts is None or facts.boot_id != beat.boot_id:
        return True
    if facts.presence is Presence.LOST or facts.fencing is FencePhase.CONFIRMED:
        return beat.session > facts.session
    if beat.session > facts.session:  # this replica has not applied the newest facts yet
        return True
    return beat.node not in state.reports and beat.session in (0, facts.session)


def _facts(state: Voter, facts: Facts, at_ms: int) -> Voter:
    armed, heard, ended = dict(state.armed_ms), dict(state.heard), dict(state.ended)
    reports, transits = dict(state.reports), dict(state.transits)
    for node in facts.nodes:
        before = state.facts.of(node.node)
        if before is not None and before.boot_id != node.boot_id:
            ended[node.node] = before.boot_id
            heard.pop(node.node, None)
            transits.pop(node.node, None)
        if before is None or (before.boot_id, before.session) != (node.boot_id, node.session):
            armed[node.node] = at_ms
        report = reports.get(node.node)
        if report is not None and not report.concerns(node):
            del reports[node.node]
        if ended.get(node.node) == node.boot_id:
            del ended[node.node]
    return replace(
        state, facts=facts, armed_ms=armed, heard=heard, ended=ended, reports=reports,
        transits=transits,
    )  # fmt: skip


def next_silence_ms(state: Voter, at_ms: int) -> int | None:
    """Return when, after `at_ms`, a silence falls due if nothing more is heard; None: never."""
    due: list[int] = []
    for node in state.facts.nodes:
        if node.presence is Presence.LEFT:
            continue
        heard = state.heard.get(node.node, _UNHEARD)
        armed, dead_ms = state.armed_ms.get(node.node, at_ms), _dead_ms(state, node.node)
        due += [max(armed, last or 0) + dead_ms for last in (heard.store_ms, heard.controller_ms)]
    return min((one for one in due if one > at_ms), default=None)


def _dead_ms(state: Voter, node: NodeName) -> int:
    return dead_time_ms(state.dead_ms, state.dead_max_ms, state.transits.get(node))


def _with_voters(state: Voter, event: VotersChanged) -> Voter:
    # A new one counts as heard for now: it has to be given the time to send its first beat.
    new = {
        name: PeerReports(at_ms=event.at_ms)
        for name in event.voters
        if name not in state.peers and name != state.me
    }
    state = replace(state, voters=event.voters, peers={**state.peers, **new})
    return _rearmed(state, event.at_ms)


def _tick(state: Voter, at_ms: int) -> tuple[Voter, tuple[Effect, ...]]:
    late = state.ticked_ms is not None and at_ms - state.ticked_ms > state.tick_ms + state.stall_ms
    if late:
        # It was this process that stood still: nobody's silence meanwhile proves anything.
        return _rearmed(replace(state, ticked_ms=at_ms), at_ms), ()
    state = replace(state, ticked_ms=at_ms, reports=_own_reports(state, at_ms))
    return proposals(state, at_ms) if state.leads else renewals(state, at_ms)


def _rearmed(state: Voter, at_ms: int) -> Voter:
    """Return the state in which everybody counts as heard just now.

    Not what they reported: a voter that starts anew waits until its reports of before are out of
    date, and counted again from now on they would not be. What stands comes with its next beat.
    """
    armed = {node.node: at_ms for node in state.facts.nodes}
    peers = {voter: replace(news, at_ms=at_ms, is_old=True) for voter, news in state.peers.items()}
    return replace(state, armed_ms=armed, peers=peers)


def _own_reports(state: Voter, at_ms: int) -> Mapping[NodeName, Silence]:
    reports: dict[NodeName, Silence] = {}
    for node in state.facts.nodes:
        report = _own_report(state, node, at_ms)
        if report is not None:
            reports[node.node] = report
    return state.reports if reports == state.reports else reports


def _own_report(state: Voter, node: NodeFacts, at_ms: int) -> Silence | None:
    if node.presence is Presence.LEFT:
        return None
    heard = state.heard.get(node.node, _UNHEARD)
    armed = state.armed_ms.get(node.node, at_ms)
    limit_ms = at_ms - _dead_ms(state, node.node)

    def silent(last: int | None) -> bool:
        return armed <= limit_ms and (last is None or last <= limit_ms)

    def alive(last: int | None) -> bool:
        return last is not None and at_ms - last < state.dead_ms

    # A committed loss is a report too: a voter that starts anew takes it over from the facts.
    lost = node.presence is Presence.LOST or node.controller is ControllerPresence.LOST
    there = state.reports.get(node.node)
    if not (lost or there is not None or silent(heard.controller_ms)):
        return None
    whole = silent(heard.store_ms) and silent(heard.controller_ms)
    whole = whole or node.presence is Presence.LOST or (there is not None and there.node_silent)
    again = alive(heard.controller_ms) or (whole and alive(heard.store_ms))
    return Silence(
        node=node.node,
        boot_id=node.boot_id,
        session=node.session,
        node_silent=whole,
        heard_again=again,
    )
