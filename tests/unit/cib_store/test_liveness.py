"""A voter answers or reports; a leader proposes what a majority reports (protocols, Liveness)."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.liveness import (
    Acknowledge,
    BeatHeard,
    Daemon,
    Effect,
    Elected,
    Event,
    FactsCommitted,
    LeadershipChanged,
    Propose,
    Silence,
    StepDown,
    Ticked,
    Voter,
    silences,
    step,
)
from raftmaker.runtime.freshness import Freshness
from raftmaker.vocabulary.commands import ControllerLost, NodeLost, RenewSession
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Term
from raftmaker.vocabulary.membership import (
    ControllerPresence,
    Facts,
    FencePhase,
    NodeFacts,
    Presence,
)

A, B, C, D = (NodeName(name) for name in "abcd")
BOOT = BootId("x")
FACTS = Facts(nodes=tuple(NodeFacts(node=n, boot_id=BOOT, session=Session(1)) for n in (A, B, C)))
LOST_C = NodeLost(node=C, boot_id=BOOT, session=Session(1), term=Term(3))
BOTH = (Daemon.STORE, Daemon.CONTROLLER)


def _voter(*, leads: bool = True, facts: Facts = FACTS) -> Voter:
    voter = Voter(me=A, voters=(A, B, C), started_ms=0)
    return _after(voter, FactsCommitted(0, facts), LeadershipChanged(0, leads, Term(3)))


def _after(voter: Voter, *events: Event) -> Voter:
    for event in events:
        voter, _ = step(voter, event)
    return voter


def _beat(at: int, node: NodeName, daemon: Daemon, *reported: Silence, session: int = 1) -> Event:
    return BeatHeard(
        at_ms=at, node=node, boot_id=BOOT, daemon=daemon, session=Session(session),
        silences=reported,
    )  # fmt: skip


def test_a_beat_by_an_older_list_of_members_is_heard_but_not_answered() -> None:
    """protocols, Liveness: the answers of those who vote no more prove contact to nobody."""
    beat = BeatHeard(at_ms=1000, node=B, boot_id=BOOT, daemon=Daemon.CONTROLLER, session=Session(1))
    _, answered = step(_voter(), beat)
    assert answered == (Acknowledge(),)
    voter, answered = step(_voter(), replace(beat, is_behind=True))
    assert answered == ()
    assert voter.heard[B].controller_ms == 1000


def _report(node: NodeName, *, whole: bool = True, again: bool = False) -> Silence:
    return Silence(
        node=node, boot_id=BOOT, session=Session(1), node_silent=whole, heard_again=again
    )


def _run(
    voter: Voter,
    start: int,
    end: int,
    *beats: tuple[NodeName, Daemon],
    b_reports: Silence | None = None,
) -> tuple[Voter, list[tuple[int, Effect]]]:
    """Tick every 50 ms and give the beats every 100 ms; B's store reports `b_reports`."""
    effects: list[tuple[int, Effect]] = []
    for at in range(start, end, 50):
        if at % 100 == 0:
            for node, daemon in beats:
                reported = (b_reports,) if b_reports and (node, daemon) == (B, Daemon.STORE) else ()
                voter = _after(voter, _beat(at, node, daemon, *reported))
        voter, now = step(voter, Ticked(at))
        effects += [(at, effect) for effect in now]
    return voter, effects


ALL = tuple((node, daemon) for node in (A, B, C) for daemon in BOTH)
WITHOUT_C = ALL[:4]


def test_nobody_is_lost_while_all_are_heard() -> None:
    voter, effects = _run(_voter(), 0, 3000, *ALL)
    assert not effects
    assert not silences(voter)


def test_a_silent_node_is_reported_and_not_answered_any_more() -> None:
    voter, _ = _run(_voter(leads=False), 0, 1000, *ALL)
    voter, _ = _run(voter, 1000, 1600, *WITHOUT_C)
    assert silences(voter) == (_report(C),)
    voter, effects = step(voter, _beat(1600, C, Daemon.CONTROLLER))
    assert not effects
    _, effects = step(voter, _beat(1600, B, Daemon.CONTROLLER))
    assert effects == (Acknowledge(),)


def test_one_report_is_no_majority() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, effects = _run(voter, 1000, 3000, *WITHOUT_C)
    assert not effects


def test_a_majority_of_reports_loses_the_node_once() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, effects = _run(voter, 1000, 1900, *WITHOUT_C, b_reports=_report(C))
    assert effects == [(1500, Propose(LOST_C))]


def test_a_silent_controller_alone_is_no_lost_node() -> None:
    beats = (*WITHOUT_C, (C, Daemon.STORE))
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, effects = _run(voter, 1000, 1900, *beats, b_reports=_report(C, whole=False))
    lost = ControllerLost(node=C, boot_id=BOOT, session=Session(1), term=Term(3))
    assert effects == [(1500, Propose(lost))]


def test_a_silent_store_alone_is_nothing() -> None:
    beats = (*WITHOUT_C, (C, Daemon.CONTROLLER))
    voter, effects = _run(_voter(), 0, 3000, *beats)
    assert not effects
    assert not silences(voter)


def test_reports_that_all_hear_the_node_again_renew_its_session() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, _ = _run(voter, 1000, 1600, *WITHOUT_C)
    voter, effects = _run(voter, 1600, 1650, *ALL)
    renewed = RenewSession(node=C, boot_id=BOOT, session=Session(1))
    assert effects == [(1600, Propose(renewed))]


def test_a_reporter_that_does_not_hear_it_prevents_the_return() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, effects = _run(voter, 1000, 1600, *WITHOUT_C, b_reports=_report(C))
    voter, effects = _run(voter, 1600, 1700, *ALL, b_reports=_report(C))
    assert not [effect for _, effect in effects if isinstance(effect, Propose)
                and isinstance(effect.body, RenewSession)]  # fmt: skip


def test_no_return_while_fencing_is_intended() -> None:
    lost = replace(FACTS.nodes[2], presence=Presence.LOST, fencing=FencePhase.INTENDED)
    facts = replace(FACTS, nodes=(*FACTS.nodes[:2], lost))
    _, effects = _run(_voter(facts=facts), 0, 1000, *ALL, b_reports=_report(C, again=True))
    assert not effects


def test_a_committed_fact_makes_the_voter_forget_its_report() -> None:
    voter, _ = _run(_voter(leads=False), 0, 1000, *WITHOUT_C)
    assert silences(voter)
    renewed = replace(FACTS.nodes[2], session=Session(2))
    voter = _after(voter, FactsCommitted(1000, replace(FACTS, nodes=(*FACTS.nodes[:2], renewed))))
    assert not silences(voter)
    assert step(voter, _beat(1000, C, Daemon.CONTROLLER))[1] == ()
    assert step(voter, _beat(1000, C, Daemon.CONTROLLER, session=2))[1] == (Acknowledge(),)


def test_a_stall_of_its_own_rearms_every_deadline() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, at_once = step(voter, Ticked(5000))
    assert not at_once
    assert not silences(voter)
    voter, _ = _run(voter, 5050, 5550, *WITHOUT_C)
    assert not silences(voter)


def test_what_others_reported_before_a_stall_of_its_own_has_to_be_said_again() -> None:
    """A voter that started anew meanwhile knows of no report and answers: its old one is void."""
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, effects = _run(voter, 1000, 1650, *WITHOUT_C)
    assert (silences(voter), effects) == ((_report(C),), [])
    reported = _beat(1650, B, Daemon.STORE, _report(C))
    voter = _after(voter, reported)
    for at in (5000, 5050):
        voter, at_once = step(voter, Ticked(at))
        assert not at_once
    assert isinstance(reported, BeatHeard)
    voter = _after(voter, replace(reported, at_ms=5060))
    _, lost = step(voter, Ticked(5100))
    assert lost == (Propose(NodeLost(node=C, boot_id=BOOT, session=Session(1), term=Term(3))),)


def test_a_beat_that_waited_during_a_stall_reports_nothing_that_counts() -> None:
    """The event loop gets to the tick before it has read all that came meanwhile."""

    def told(at: int, sent: int, *reported: Silence) -> Event:
        beat = _beat(at, B, Daemon.STORE, *reported)
        assert isinstance(beat, BeatHeard)
        return replace(beat, sent_us=sent * 1000)

    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter = _after(voter, told(1000, 70_990))  # B's clock is another one
    voter, effects = _run(voter, 1000, 1600, *WITHOUT_C)
    voter, at_once = step(voter, Ticked(5000))
    voter = _after(voter, told(5001, 71_640, _report(C)))
    voter, soon = step(voter, Ticked(5050))
    assert (silences(voter), [*effects, *at_once, *soon]) == ((_report(C),), [])
    voter = _after(voter, told(5060, 75_050, _report(C)))
    _, lost = step(voter, Ticked(5100))
    assert lost == (Propose(NodeLost(node=C, boot_id=BOOT, session=Session(1), term=Term(3))),)


def test_what_was_reported_before_a_stall_bars_a_return_until_it_is_withdrawn() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    voter, _ = _run(voter, 1000, 1600, *WITHOUT_C, b_reports=_report(C))
    voter, _ = step(voter, Ticked(5000))
    for daemon in BOTH:
        voter = _after(voter, _beat(5010, C, daemon))
    voter, at_once = step(voter, Ticked(5050))
    assert (silences(voter), at_once) == ((_report(C, again=True),), ())
    voter = _after(voter, _beat(5060, B, Daemon.STORE, _report(C, again=True)))
    _, back = step(voter, Ticked(5100))
    assert back == (Propose(RenewSession(node=C, boot_id=BOOT, session=Session(1))),)


def test_a_leader_that_would_lose_a_majority_steps_down() -> None:
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    effects: tuple[Effect, ...] = ()
    at = 1000
    while not effects and at < 2000:
        for daemon in BOTH:
            voter = _after(voter, _beat(at, A, daemon))
        voter, effects = step(voter, Ticked(at))
        at += 50
    assert effects == (StepDown((B, C)),)


def test_a_leader_stays_when_a_majority_is_there_with_a_new_boot() -> None:
    """Their old sessions are lost, but only a leader can commit their new ones."""
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    for at in range(1000, 2500, 50):
        for daemon in BOTH:
            voter = _after(voter, _beat(at, A, daemon))
        reported = _report(B), _report(C)
        again = _beat(at, B, Daemon.STORE, *reported)
        assert isinstance(again, BeatHeard)
        voter = _after(voter, replace(again, boot_id=BootId("y")))
        voter, effects = step(voter, Ticked(at))
        assert not any(isinstance(effect, StepDown) for effect in effects)


def test_a_late_beat_of_an_earlier_process_reports_nothing() -> None:
    """A voter that started anew has forgotten its reports, and answers those sessions again."""
    voter, _ = _run(_voter(), 0, 1000, *ALL)
    old = _beat(1000, B, Daemon.STORE, _report(C))
    new = _beat(1001, B, Daemon.STORE)
    assert isinstance(old, BeatHeard)
    assert isinstance(new, BeatHeard)
    same_boot = _after(voter, replace(new, sent_us=2_000), replace(old, sent_us=1_000))
    assert not same_boot.peers[B].silences
    other_boot = _after(voter, old, replace(new, boot_id=BootId("y")), replace(old, sent_us=9_000))
    assert not other_boot.peers[B].silences


def test_a_voter_that_just_started_answers_nobody() -> None:
    voter = Voter(me=A, voters=(A, B, C), started_ms=1000)
    assert step(voter, _beat(1599, B, Daemon.CONTROLLER))[1] == ()
    assert step(voter, _beat(1600, B, Daemon.CONTROLLER))[1] == (Acknowledge(),)


def test_an_ended_boot_is_not_answered() -> None:
    voter = _voter()
    newer = NodeFacts(node=C, boot_id=BootId("y"), session=Session(2))
    voter = _after(voter, FactsCommitted(900, replace(FACTS, nodes=(*FACTS.nodes[:2], newer))))
    assert step(voter, _beat(1000, C, Daemon.CONTROLLER))[1] == ()


def test_freshness_is_that_of_the_majority() -> None:
    fresh = Freshness(voters=(A, B, C)).answered(A, 1000)
    assert not fresh.is_fresh(1001, 600)
    fresh = fresh.answered(B, 900).answered(B, 800).answered(D, 2000)
    assert fresh.majority_ms == 900
    assert fresh.is_fresh(1499, 600)
    assert not fresh.is_fresh(1500, 600)


RENEWED_C = RenewSession(node=C, boot_id=BOOT, session=Session(1))
LEFT_BEHIND = replace(LOST_C, term=Term(2))


def test_a_loss_that_was_left_behind_is_revoked_where_the_node_is_heard() -> None:
    voter, _ = _run(_voter(leads=False), 0, 1000, *ALL)
    voter, effects = step(voter, Elected(1000, (LEFT_BEHIND,)))
    assert effects == (Propose(RENEWED_C),)
    _, effects = step(voter, Ticked(1040))
    assert not effects


def test_a_loss_that_was_left_behind_is_revoked_where_nobody_reports_it_any_more() -> None:
    """Voters that were started anew have forgotten what they reported: it has the dead time."""
    voter, _ = _run(_voter(leads=False), 0, 600, *WITHOUT_C)
    _, effects = step(voter, Elected(560, (LEFT_BEHIND,)))
    assert effects == (Propose(RENEWED_C),)


def test_a_loss_that_was_left_behind_stands_while_a_majority_reports_it() -> None:
    voter, _ = _run(_voter(leads=False), 0, 1000, *ALL)
    voter, _ = _run(voter, 1000, 1700, *WITHOUT_C, b_reports=_report(C))
    voter, effects = step(voter, Elected(1700, (LEFT_BEHIND,)))
    assert not effects
    voter, later = _run(voter, 1700, 2000, *WITHOUT_C, b_reports=_report(C))
    assert not later
    # It comes back before the first entry of the new leader is committed.
    _, later = _run(voter, 2000, 2100, *ALL, b_reports=_report(C, again=True))
    assert later == [(2000, Propose(RENEWED_C))]


def test_a_loss_that_took_effect_is_not_in_doubt() -> None:
    lost = replace(FACTS.nodes[2], presence=Presence.LOST)
    voter, _ = _run(_voter(leads=False), 0, 1000, *ALL)
    voter = _after(voter, FactsCommitted(1000, replace(FACTS, nodes=(*FACTS.nodes[:2], lost))))
    assert step(voter, Elected(1000, (LEFT_BEHIND,)))[1] == ()
    other = replace(LEFT_BEHIND, session=Session(9))
    assert step(_voter(leads=False), Elected(1000, (other,)))[1] == ()


def test_a_controller_that_was_left_behind_as_lost_is_judged_too() -> None:
    lost = ControllerLost(node=C, boot_id=BOOT, session=Session(1), term=Term(2))
    heard, _ = _run(_voter(leads=False), 0, 1000, *ALL)
    assert step(heard, Elected(1000, (lost,)))[1] == (Propose(RENEWED_C),)
    beats = (*WITHOUT_C, (C, Daemon.STORE))
    silent, _ = _run(heard, 1000, 1700, *beats, b_reports=_report(C, whole=False))
    assert step(silent, Elected(1700, (lost,)))[1] == ()
    # Its controller alone is silent: that is no reason to lose the node.
    assert step(silent, Elected(1700, (LEFT_BEHIND,)))[1] == (Propose(RENEWED_C),)
    known = replace(FACTS.nodes[2], controller=ControllerPresence.LOST)
    silent = _after(silent, FactsCommitted(1700, replace(FACTS, nodes=(*FACTS.nodes[:2], known))))
    assert step(silent, Elected(1700, (lost,)))[1] == ()


def test_a_leader_that_has_begun_judges_as_ever() -> None:
    voter, _ = _run(_voter(leads=False), 0, 1000, *ALL)
    voter, _ = step(voter, Elected(1000, (LEFT_BEHIND,)))
    voter = _after(voter, LeadershipChanged(1000, True, Term(3)))
    voter, effects = _run(voter, 1000, 1900, *WITHOUT_C, b_reports=_report(C))
    assert effects == [(1500, Propose(LOST_C))]
